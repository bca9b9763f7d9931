// The walk that answers a resolve.

import Feature
import Store

/// A page, and what was found out on the way.
struct ResolutionOutcome: Sendable {
    let page: IncrementPage
    /// Candidates that are as they should be.
    var settled: [FeatureID: Set<RecordID>] = [:]
    /// Units whose earlier version is what they should be.
    var revertible: [FeatureID: Set<RecordID>] = [:]
}

/// A walk over a feature's candidates, or over all its units where the query restricts what counts.
struct Resolution {
    /// Blocks read and judged at a time.
    private static let blocksStep = 8

    private let plan: FeaturePlan
    private let query: IncrementQuery
    private var counts = IncrementCounts()
    private var chosen: [(RecordID, JudgedUnit)] = []
    private var settled: Set<RecordID> = []
    private var isMore = false
    /// Live records that are not as they should be.
    private var liveInIncrement = 0
    /// Live records that were looked at and are as they should be.
    private var liveUpToDate = 0

    init(_ plan: FeaturePlan, _ query: IncrementQuery) {
        self.plan = plan
        self.query = query
    }

    mutating func run(_ scope: Scope) throws(ServiceError) -> ResolutionOutcome {
        var evaluator = scope.evaluator
        let restriction = query.restriction.isEmpty ? nil : query.restriction
        do {
            let all = restriction == nil ? nil : try UnitUniverse(scope, plan)
            var block = query.countsAll ? 0 : Int32(clamping: max(query.after, 0) >> 10)
            walk: while true {
                let found = try blocks(of: all, from: block, scope)
                let units = found.flatMap { entry in
                    entry.units.offsets.map(BlockAddress(feature: plan.id, block: entry.block).record(at:))
                }
                let judged = try evaluator.judge(plan, units, under: restriction)
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
        let records = try IncrementDescriber(scope).describe(
            plan, chosen, isSplit: query.restriction.isCompatible)
        let page = IncrementPage(
            plan: plan, counts: try countedAll(scope), records: records, next: isMore ? chosen.last?.0 : nil)
        // What is up to date under a restriction need not be without it.
        guard restriction == nil else { return ResolutionOutcome(page: page, revertible: evaluator.revertible) }
        return ResolutionOutcome(
            page: page, settled: settled.isEmpty ? [:] : [plan.id: settled], revertible: evaluator.revertible)
    }

    /// The next blocks to judge: of all units, or of the candidates.
    private func blocks(
        of all: UnitUniverse?, from block: Int32, _ scope: Scope
    ) throws(StoreError) -> [(block: Int32, units: BlockBits)] {
        if let all { return all.blocks(from: block, limit: Self.blocksStep) }
        let active = try scope.blocks.active(plan.id, from: block, limit: Self.blocksStep)
        return active.map { ($0.address.block, $0.block.candidates) }
    }

    private mutating func sort(_ unit: RecordID, _ judged: JudgedUnit) {
        guard let kind = judged.kind else {
            settled.insert(unit)
            if judged.head?.isLive == true { liveUpToDate += 1 }
            return
        }
        counts.kinds[kind, default: 0] += query.restriction.isCompatible ? judged.rows(plan) : 1
        if judged.head?.isLive == true { liveInIncrement += 1 }
        guard unit > query.after, query.kinds.contains(kind) else { return }
        if chosen.count < query.limit { chosen.append((unit, judged)) } else { isMore = true }
    }

    private func countedAll(_ scope: Scope) throws(ServiceError) -> IncrementCounts? {
        guard query.countsAll else { return nil }
        var counts = counts
        guard query.restriction.isEmpty else {
            counts.upToDate = liveUpToDate
            return counts
        }
        let live = try stored { () throws(StoreError) in
            try Presences(scope.connection).count(of: plan.id)
        }
        counts.upToDate = live - liveInIncrement
        return counts
    }
}
