// Answers what has to be done for a feature.

public import Feature
import Postgres
import Store

/// How a record of an increment is told of.
public enum IncrementKind: String, Hashable, Sendable, CaseIterable {
    /// Expected, never computed.
    case new
    /// Computed, but not from these inputs with this code.
    case stale
    /// Computed, but no longer expected.
    case orphaned
    /// New or stale, with inputs that are not settled.
    case blocked
}

/// A question for a feature's increment.
public struct IncrementQuery: Sendable {
    /// The feature.
    public var feature: FeatureKey
    /// Which kinds to list.
    public var kinds: Set<IncrementKind>
    /// How many records at most: 0...`Limits.pageRowsMax`.
    public var limit: Int
    /// The last record of the page before, -1 for the first page.
    public var after: RecordID
    /// Whether to count all kinds: only what counts is left out of later pages.
    public var countsAll: Bool

    /// A question for the increment of `feature`.
    public init(
        feature: FeatureKey, kinds: Set<IncrementKind> = [.new, .stale, .orphaned], limit: Int,
        after: RecordID = -1, countsAll: Bool = true
    ) {
        self.feature = feature
        self.kinds = kinds
        self.limit = limit
        self.after = after
        self.countsAll = countsAll
    }
}

/// How many records of a feature are of each kind.
public struct IncrementCounts: Hashable, Sendable {
    /// Of each kind of an increment.
    public var kinds: [IncrementKind: Int] = [:]
    /// As they should be.
    public var upToDate = 0
}

/// A page of an increment.
public struct IncrementPage: Sendable {
    /// The feature.
    public let plan: FeaturePlan
    /// Nil where they were not asked for.
    public let counts: IncrementCounts?
    /// The records in the order of record ids.
    public let records: [IncrementRecord]
    /// From where the next page goes on; nil at the end.
    public let next: RecordID?
}

extension Metaxy {
    /// A page of a feature's increment, judged as of one moment.
    ///
    /// Candidates that turn out to be as they should be are settled on the way, so that they cost once.
    ///
    /// - Throws: `.featureNotFound`; `.invalid` for a root; `.unavailable`.
    /// - Complexity: O(candidates) when counting, O(page) otherwise; never O(records).
    public func resolve(_ query: IncrementQuery) async throws(ServiceError) -> IncrementPage {
        for _ in 0..<Limits.settleRoundsMax {
            let outcome = try await read { (scope) throws(ServiceError) in
                let plan = try scope.plan(query.feature)
                guard !plan.isRoot else {
                    throw .invalid([
                        Fault(
                            .pointer("/samples"), "\(plan.key) is a root: its increment needs samples to compare with")
                    ])
                }
                var resolution = Resolution(plan, query)
                return try resolution.run(scope)
            }
            try await settle(outcome.settled)
            if outcome.revertible.isEmpty { return outcome.page }
            try await settle(outcome.revertible)
        }
        throw .conflict("the records of \(query.feature) change faster than they can be judged; ask again")
    }
}

private struct ResolutionOutcome: Sendable {
    let page: IncrementPage
    let settled: [FeatureID: Set<RecordID>]
    let revertible: [FeatureID: Set<RecordID>]
}

/// A walk over a feature's candidates.
private struct Resolution {
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

    init(_ plan: FeaturePlan, _ query: IncrementQuery) {
        self.plan = plan
        self.query = query
    }

    mutating func run(_ scope: Scope) throws(ServiceError) -> ResolutionOutcome {
        var evaluator = scope.evaluator
        var block = query.countsAll ? 0 : Int32(max(query.after, 0) >> 10)
        walk: while true {
            let active: [(address: BlockAddress, block: WorkBlock)]
            do {
                active = try scope.blocks.active(plan.id, from: block, limit: Self.blocksStep)
                let units = active.flatMap { entry in
                    entry.block.candidates.offsets.map(entry.address.record(at:))
                }
                let judged = try evaluator.judge(plan, units)
                for unit in units {
                    if let judgedUnit = judged[unit] { sort(unit, judgedUnit) }
                    if isMore && !query.countsAll { break walk }
                }
            } catch {
                throw ServiceError(error)
            }
            guard let last = active.last, active.count == Self.blocksStep else { break }
            block = last.address.block + 1
        }
        let records = try IncrementDescriber(scope).describe(plan, chosen)
        let page = IncrementPage(
            plan: plan, counts: try countedAll(scope), records: records, next: isMore ? chosen.last?.0 : nil)
        return ResolutionOutcome(
            page: page, settled: settled.isEmpty ? [:] : [plan.id: settled], revertible: evaluator.revertible)
    }

    private mutating func sort(_ unit: RecordID, _ judged: JudgedUnit) {
        guard let kind = judged.kind else {
            settled.insert(unit)
            return
        }
        counts.kinds[kind, default: 0] += 1
        if judged.head?.isLive == true { liveInIncrement += 1 }
        guard unit > query.after, query.kinds.contains(kind) else { return }
        if chosen.count < query.limit { chosen.append((unit, judged)) } else { isMore = true }
    }

    private func countedAll(_ scope: Scope) throws(ServiceError) -> IncrementCounts? {
        guard query.countsAll else { return nil }
        let live = try stored { () throws(StoreError) in
            try Presences(scope.connection).count(of: plan.id)
        }
        var counts = counts
        counts.upToDate = live - liveInIncrement
        return counts
    }
}

extension JudgedUnit {
    /// The kind under which an increment lists the unit; nil where it is not part of one.
    var kind: IncrementKind? {
        switch state {
        case .new: blockers.isEmpty ? .new : .blocked
        case .stale: blockers.isEmpty ? .stale : .blocked
        case .orphaned: .orphaned
        case .upToDate, .suppressed, .absent: nil
        }
    }
}

extension IncrementRecord {
    /// The kind under which an increment lists the record.
    public var kind: IncrementKind {
        switch state {
        case .orphaned: .orphaned
        case .new: isBlocked ? .blocked : .new
        default: isBlocked ? .blocked : .stale
        }
    }
}
