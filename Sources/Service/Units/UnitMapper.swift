// Maps upstream records to the units of a feature, and units to upstream records.

import Feature
import Postgres
import Store

/// Translates between units of a feature and the records of its upstreams.
struct UnitMapper {
    let connection: Connection
    let catalog: Catalog

    /// The upstream records of each unit, for one dep.
    ///
    /// - Returns: by unit, a group in the order of its keys; a unit whose upstream record has never been seen is absent.
    /// - Complexity: no round trip within an id space, one for groups, two across.
    func upstream(
        of units: [RecordID], _ plan: FeaturePlan, dep: DepPlan
    ) throws(StoreError) -> [RecordID: [RecordID]] {
        switch dep.mapping {
        case .same:
            return Dictionary(units.map { ($0, [$0]) }) { first, _ in first }
        case .rekeyed(let order):
            let keys = try RecordIDTable(connection, space: plan.space).keys(of: units)
            let inverse = UnitMapping.inverse(of: order)
            let pairs = keys.map { ($0.key, $0.value.reordered(inverse).encoded) }
            let records = try upstreamIDs(dep).find(pairs.map(\.1))
            var result: [RecordID: [RecordID]] = [:]
            for (pair, record) in zip(pairs, records) {
                if let record { result[pair.0] = [record] }
            }
            return result
        case .grouped:
            guard let upstream = catalog[dep.upstream] else { throw .corrupt("\(dep.spec.feature) has no plan") }
            return try links(plan, dep).records(of: units, space: upstream.space)
        }
    }

    /// The units of upstream records, for one dep. A new unit gets a record id.
    ///
    /// - Returns: distinct, in no order.
    /// - Complexity: no round trip within an id space, up to four across.
    func units(of records: [RecordID], _ plan: FeaturePlan, dep: DepPlan) throws(StoreError) -> [RecordID] {
        switch dep.mapping {
        case .same:
            return records
        case .rekeyed(let order):
            let keys = try upstreamIDs(dep).keys(of: records)
            return try RecordIDTable(connection, space: plan.space).intern(keys.values.map { $0.reordered(order) })
        case .grouped:
            return Array(Set(try links(plan, dep).units(of: records).values))
        }
    }

    /// Like `units`, without units that have no record id.
    ///
    /// - Complexity: no round trip within an id space, two across.
    func known(_ records: [RecordID], _ plan: FeaturePlan, dep: DepPlan) throws(StoreError) -> [RecordID] {
        switch dep.mapping {
        case .same:
            return records
        case .rekeyed(let order):
            let keys = try upstreamIDs(dep).keys(of: records)
            return try RecordIDTable(connection, space: plan.space)
                .find(keys.values.map { $0.reordered(order).encoded }).compactMap { $0 }
        case .grouped:
            return Array(Set(try links(plan, dep).units(of: records).values))
        }
    }

    private func links(_ plan: FeaturePlan, _ dep: DepPlan) -> LinkTable {
        LinkTable(connection, units: plan.id, records: dep.upstream)
    }

    private func upstreamIDs(_ dep: DepPlan) throws(StoreError) -> RecordIDTable {
        guard let upstream = catalog[dep.upstream] else { throw .corrupt("\(dep.spec.feature) has no plan") }
        return RecordIDTable(connection, space: upstream.space)
    }
}
