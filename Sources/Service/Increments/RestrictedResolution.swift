// The walk that answers a resolve with conditions of its own.

import Feature
import Store

/// A walk over all units of a feature, for a query that restricts what counts.
///
/// The bits tell what is to be done without the conditions; with them, anything may be.
struct RestrictedResolution {
    /// Blocks read and judged at a time.
    private static let blocksStep = 8

    private let plan: FeaturePlan
    private let query: IncrementQuery
    private var counts = IncrementCounts()
    private var chosen: [(RecordID, JudgedUnit)] = []
    private var isMore = false
    /// Live records that were looked at and are as they should be.
    private var liveUpToDate = 0

    init(_ plan: FeaturePlan, _ query: IncrementQuery) {
        self.plan = plan
        self.query = query
    }

    mutating func run(_ transaction: ServiceTransaction) throws(ServiceError) -> ResolutionOutcome {
        var evaluator = transaction.evaluator
        do {
            let all = try UnitUniverse(transaction, plan)
            var block = query.countsAll ? 0 : Int32(clamping: max(query.after, 0) >> 10)
            walk: while true {
                let found = all.blocks(from: block, limit: Self.blocksStep)
                let units = found.flatMap { entry in
                    entry.units.offsets.map(BlockAddress(feature: plan.id, block: entry.block).record(at:))
                }
                let judged = try evaluator.judge(plan, units, under: query.restriction)
                for unit in units {
                    if let judgedUnit = judged[unit] { sort(unit, judgedUnit) }
                    if isMore && !query.countsAll { break walk }
                }
                guard let last = found.last, found.count == Self.blocksStep else { break }
                block = last.block + 1
            }
        } catch {
            throw ServiceError(error)
        }
        let records = try IncrementDescriber(transaction).describe(
            plan, chosen, isSplit: query.restriction.isCompatible)
        let page = IncrementPage(
            plan: plan, counts: countedAll(), records: IncrementRows(records, fields: plan.fields.count),
            next: isMore ? chosen.last?.0 : nil)
        // What is up to date under a restriction need not be without it, so nothing is settled.
        return ResolutionOutcome(page: page, revertible: evaluator.revertible)
    }

    private mutating func sort(_ unit: RecordID, _ judged: JudgedUnit) {
        guard let kind = judged.kind else {
            if judged.head?.isLive == true { liveUpToDate += 1 }
            return
        }
        counts.kinds[kind, default: 0] += query.restriction.isCompatible ? judged.rows(plan) : 1
        guard unit > query.after, query.kinds.contains(kind) else { return }
        if chosen.count < query.limit { chosen.append((unit, judged)) } else { isMore = true }
    }

    private func countedAll() -> IncrementCounts? {
        guard query.countsAll else { return nil }
        var counts = counts
        counts.upToDate = liveUpToDate
        return counts
    }
}
