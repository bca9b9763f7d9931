// The rule that everything rests on: a change of a record marks the units directly downstream that use what moved.

import Feature
import Store

/// The units of features directly downstream that use something that changed.
///
/// A unit that is neither dirty, leased nor parked is up to date. Every change of a record therefore marks these units as
/// dirty, in the same transaction. A mark says that a unit may be stale; the judgement of the unit decides.
struct DownstreamMarks {
    /// The units of each feature. A feature occurs once for each of its deps that is touched.
    private(set) var units: [(feature: FeatureID, units: [RecordID])] = []

    /// The units that use something of `changes`, which are changes of records of `plan`.
    ///
    /// - Complexity: no round trip within an id space; up to five for each dep across id spaces.
    init(_ changes: [RecordChange], of plan: FeaturePlan, _ transaction: inout ServiceTransaction)
        throws(ServiceError)
    {
        guard !changes.isEmpty else { return }
        for edge in transaction.catalog.downstream(of: plan.id) {
            guard let downstream = transaction.catalog[edge.feature] else {
                throw .featureNotFound("\(edge.feature)")
            }
            let dep = downstream.deps[edge.dep]
            let touching = Self.touching(changes, dep)
            transaction.tally.add(.unusedFields, changes.count - touching.count, of: downstream.id)
            guard !touching.isEmpty else { continue }
            let moved = try Self.regroup(touching, downstream, dep, transaction)
            let mapper = UnitMapper(connection: transaction.connection, catalog: transaction.catalog)
            let mapped = try stored { () throws(StoreError) in
                try mapper.units(of: touching.map(\.record), downstream, dep: dep)
            }
            units.append((downstream.id, moved.isEmpty ? mapped : Array(moved.union(mapped))))
        }
    }

    /// Locks the blocks of the units and marks the units in them.
    ///
    /// - Complexity: one round trip.
    func apply(to transaction: inout ServiceTransaction) throws(ServiceError) {
        let marked = units.map { BlockAddress.group($0.units, of: $0.feature) }
        var addresses: Set<BlockAddress> = []
        for blocks in marked { addresses.formUnion(blocks.keys) }
        try transaction.lock(addresses)
        for blocks in marked {
            for (address, bits) in blocks { transaction.ledger.update(address) { $0.mark(bits) } }
        }
    }

    /// The changes that touch a dep. Consecutive changes mostly move the same slots and columns, so that the answer for
    /// the previous one is reused.
    private static func touching(_ changes: [RecordChange], _ dep: DepPlan) -> [RecordChange] {
        var last: (change: RecordChange, isTouching: Bool)?
        return changes.filter { change in
            if let last, last.change.slots == change.slots, last.change.columns == change.columns {
                return last.isTouching
            }
            let isTouching = change.touches(dep)
            last = (change, isTouching)
            return isTouching
        }
    }

    /// Links records that appeared, or moved in a column that groups them, to their groups.
    ///
    /// - Returns: the units that gained or lost a record.
    private static func regroup(
        _ changes: [RecordChange], _ plan: FeaturePlan, _ dep: DepPlan, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> Set<RecordID> {
        guard let grouping = Grouping(transaction, plan, dep) else { return [] }
        let moved = changes.filter { $0.slots == nil || !$0.columns.isDisjoint(with: dep.grouping) }.map(\.record)
        guard !moved.isEmpty else { return [] }
        return try stored { () throws(StoreError) in try grouping.link(moved) }
    }
}

extension ServiceTransaction {
    /// Marks, in each feature directly downstream, the units that use something that changed.
    ///
    /// - Complexity: that of `DownstreamMarks`.
    mutating func propagate(_ changes: [RecordChange], of plan: FeaturePlan) throws(ServiceError) {
        try DownstreamMarks(changes, of: plan, &self).apply(to: &self)
    }
}
