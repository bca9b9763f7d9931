// Resolves the increment of a feature: the records that are new, stale, orphaned or blocked.

public import Feature
import Postgres
import Store

/// The kind of a record in an increment.
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

/// A query for a feature's increment.
public struct IncrementQuery: Sendable {
    /// The feature.
    public var feature: FeatureKey
    /// The kinds to list.
    public var kinds: Set<IncrementKind>
    /// The greatest number of records: 0...`TransactionLimits.pageRowsMax`.
    public var limit: Int
    /// `next` of the previous page; -1 for the first page.
    public var after: RecordID
    /// For an increment in parts, the blocks of this part. All their records are listed; `limit` does not apply.
    public var part: ClosedRange<Int32>?
    /// Whether to count all kinds.
    public var countsAll: Bool
    /// Conditions on the records to consider.
    public var restriction: IncrementRestriction
    /// Records that are compared with the stored ones in place of the expectations; required for a root.
    public var samples: [RecordRow]?

    /// A query for the increment of `feature`.
    public init(
        feature: FeatureKey, kinds: Set<IncrementKind> = [.new, .stale, .orphaned], limit: Int,
        after: RecordID = -1, countsAll: Bool = true, restriction: IncrementRestriction = IncrementRestriction(),
        samples: [RecordRow]? = nil
    ) {
        self.feature = feature
        self.kinds = kinds
        self.limit = limit
        self.after = after
        self.countsAll = countsAll
        self.restriction = restriction
        self.samples = samples
    }

    /// Whether any record may be listed at all.
    var listsAny: Bool { !kinds.isEmpty && (part != nil || limit > 0) }
}

/// Counts of a feature's records by kind.
public struct IncrementCounts: Hashable, Sendable {
    /// Counts of each kind of an increment.
    public var kinds: [IncrementKind: Int] = [:]
    /// The count of records that are up to date.
    public var upToDate = 0
}

/// A page of an increment.
public struct IncrementPage: Sendable {
    /// The feature.
    public let plan: FeaturePlan
    /// Nil where they were not asked for.
    public let counts: IncrementCounts?
    /// The records in the order of record ids. Samples come first, in their own order.
    public let records: IncrementRows
    /// The record after which the next page begins; nil at the end.
    public let next: RecordID?
}

extension IncrementService {
    /// A page of a feature's increment, judged as of one moment.
    ///
    /// Candidates that turn out to be up to date are settled afterwards, so that they are judged only once.
    ///
    /// - Throws: `.featureNotFound`; `.invalid` for a root without samples, for bad samples, and for filters on
    ///   features that are not involved; `.unavailable`.
    /// - Complexity: O(candidates) when counting, O(page) otherwise, never O(records); O(records) with samples or under
    ///   a restriction.
    public func resolve(_ query: IncrementQuery) async throws(ServiceError) -> IncrementPage {
        for _ in 0..<TransactionLimits.settleRoundsMax {
            let outcome = try await transactions.read { (transaction) throws(ServiceError) in
                let plan = try transaction.unitPlan(query.feature)
                try query.restriction.check(plan, transaction)
                if let samples = query.samples {
                    var comparison = ClientSampleIncrement(try transaction.plan(query.feature), query)
                    return ResolutionOutcome(page: try comparison.run(samples, transaction))
                }
                guard !plan.isRoot else {
                    throw .invalid([
                        Fault(
                            .pointer("/samples"), "\(plan.key) is a root: its increment needs samples to compare with")
                    ])
                }
                guard query.restriction.isEmpty else {
                    var resolution = RestrictedResolution(plan, query)
                    return try resolution.run(transaction)
                }
                var resolution = try Resolution(plan, query, transaction)
                return try resolution.run(transaction)
            }
            try await restoring.restore(outcome.settled.merging(outcome.revertible) { $0.union($1) })
            if outcome.revertible.isEmpty { return outcome.page }
        }
        throw .conflict("the records of \(query.feature) change faster than they can be judged; ask again")
    }
}

extension IncrementService {
    /// Cuts a feature's increment into parts that can be resolved in parallel.
    ///
    /// - Parameter units: how many units a part should have, `TransactionLimits.partUnitsMax` at most; a block of 1,024 is not cut.
    /// - Returns: the blocks of each part, in order. Together they cover every record id.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: two round trips; a short row for each 1,024 units with candidates.
    public func parts(
        ofIncrement feature: FeatureKey, units: Int
    ) async throws(ServiceError) -> [ClosedRange<Int32>] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let plan = try transaction.unitPlan(feature)
            let cuts = try stored { () throws(StoreError) in
                try transaction.blocks.cuts(plan.id, units: min(units, TransactionLimits.partUnitsMax))
            }
            return zip([0] + cuts.map { $0 + 1 }, cuts + [.max]).map { $0...$1 }
        }
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
    public var kind: IncrementKind { IncrementKind(state, isBlocked: isBlocked) }
}

extension IncrementRows.Standing {
    /// The kind under which an increment lists the record.
    public var kind: IncrementKind { IncrementKind(state, isBlocked: isBlocked) }
}

extension IncrementKind {
    fileprivate init(_ state: UnitState, isBlocked: Bool) {
        switch state {
        case .orphaned: self = .orphaned
        case .new: self = isBlocked ? .blocked : .new
        default: self = isBlocked ? .blocked : .stale
        }
    }
}
