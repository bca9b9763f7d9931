// Marks the units that a push may make stale, as set algebra over bitmaps.

import Feature
import Store

/// Marks the units that a change of definitions touches.
struct PushMarking {
    /// The greatest number of upstream records that are mapped at a time across id spaces.
    static let mappedRecordsMax = 10_000

    private let before: Catalog

    /// The marking of a push that replaced the graph `before`.
    init(before: Catalog) {
        self.before = before
    }

    /// Marks the units of the features `keys` of the transaction's graph.
    mutating func run(_ transaction: inout ServiceTransaction, _ keys: [FeatureKey]) throws(ServiceError) {
        for key in keys {
            guard let plan = transaction.catalog.units(of: key) else {
                throw .internal("the feature \(key) left the graph")
            }
            let old = before.units(of: key)
            if old == nil || old.map({ !Self.hasSameDeps($0, plan) }) == true {
                for dep in plan.deps { try relink(transaction, plan, dep) }
                try markKnown(&transaction, plan)
                try markExpected(&transaction, plan)
            } else if let old, !Self.hasSameFormulas(old, plan) {
                try markKnown(&transaction, plan)
            }
        }
    }

    private func relink(_ transaction: ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan) throws(ServiceError) {
        guard let grouping = Grouping(transaction, plan, dep) else { return }
        try stored { () throws(StoreError) in try grouping.rebuild() }
    }

    private static func hasSameDeps(_ old: FeaturePlan, _ new: FeaturePlan) -> Bool {
        old.spec.deps == new.spec.deps && old.space == new.space
    }

    private static func hasSameFormulas(_ old: FeaturePlan, _ new: FeaturePlan) -> Bool {
        old.fields.map(\.formula) == new.fields.map(\.formula)
            && old.fields.map(\.parents) == new.fields.map(\.parents)
    }

    /// Marks every unit that was ever computed, and every candidate. A parked unit may be ready under the new definition, and
    /// a leased new unit was handed out under the old one.
    private func markKnown(_ transaction: inout ServiceTransaction, _ plan: FeaturePlan) throws(ServiceError) {
        let connection = transaction.connection
        let presence = try stored { () throws(StoreError) in try PresenceTable(connection).read(plan.id) }
        let active = try stored { [transaction] () throws(StoreError) in
            try transaction.blocks.active(plan.id, from: 0, limit: Int(Int32.max))
        }.map { BlockAddress(feature: plan.id, block: $0.block) }
        try lock(&transaction, Set(presence.keys).union(active))
        for (address, bits) in presence { transaction.ledger.update(address) { $0.mark(bits.live | bits.gone) } }
        for address in active { transaction.ledger.update(address) { $0.mark($0.candidates) } }
    }

    /// Marks every unit that the upstreams' records make expected.
    ///
    /// Within an id space, these are the records that all required upstreams have, or that any upstream has where all are
    /// optional.
    private func markExpected(_ transaction: inout ServiceTransaction, _ plan: FeaturePlan) throws(ServiceError) {
        let connection = transaction.connection
        let required = plan.deps.filter { !$0.isOptional }
        var expected: [BlockAddress: BlockBits]?
        for dep in required.isEmpty ? plan.deps : required {
            guard dep.mapping == .same else {
                try markMapped(&transaction, plan, dep)
                continue
            }
            let presence = try stored { () throws(StoreError) in try PresenceTable(connection).read(dep.upstream) }
            let live = Dictionary(
                presence.map { (BlockAddress(feature: plan.id, block: $0.key.block), $0.value.live) }
            ) { first, _ in first }
            guard let known = expected else {
                expected = live
                continue
            }
            expected = required.isEmpty ? known.merging(live, uniquingKeysWith: |) : Self.common(known, live)
        }
        guard let expected else { return }
        try lock(&transaction, expected.keys)
        for (address, bits) in expected { transaction.ledger.update(address) { $0.mark(bits) } }
    }

    /// Marks the units of an upstream's records across id spaces. The records are mapped one by one.
    private func markMapped(_ transaction: inout ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan)
        throws(ServiceError)
    {
        let connection = transaction.connection
        let catalog = transaction.catalog
        let presence = try stored { () throws(StoreError) in try PresenceTable(connection).read(dep.upstream) }
        let records = presence.sorted { $0.key < $1.key }.flatMap { address, bits in
            bits.live.offsets.map(address.record(at:))
        }
        for start in stride(from: 0, to: records.count, by: Self.mappedRecordsMax) {
            let step = Array(records[start..<min(start + Self.mappedRecordsMax, records.count)])
            let units = try stored { () throws(StoreError) in
                try UnitMapper(connection: connection, catalog: catalog).units(of: step, plan, dep: dep)
            }
            try transaction.lock(units, of: plan.id)
            transaction.ledger.update(units, of: plan.id) { $0.mark($1) }
        }
    }

    private func lock(_ transaction: inout ServiceTransaction, _ addresses: some Sequence<BlockAddress>)
        throws(ServiceError)
    {
        do { try transaction.blocks.lock(addresses, into: &transaction.ledger) } catch { throw ServiceError(error) }
    }

    private static func common(
        _ left: [BlockAddress: BlockBits], _ right: [BlockAddress: BlockBits]
    ) -> [BlockAddress: BlockBits] {
        left.reduce(into: [:]) { result, entry in
            if let other = right[entry.key] { result[entry.key] = entry.value & other }
        }
    }
}
