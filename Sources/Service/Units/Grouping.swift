// Puts upstream records into the groups of an aggregation.

import Feature
import JSON
import Postgres
import Store

/// Finds the group of upstream records and keeps the links to it.
struct Grouping {
    private let connection: Connection
    private let catalog: Catalog
    private let plan: FeaturePlan
    private let dep: DepPlan

    /// The groups that `dep` makes units of `plan`; nil for a dep that does not group.
    init?(_ transaction: ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan) {
        guard dep.isGrouped else { return nil }
        connection = transaction.connection
        catalog = transaction.catalog
        self.plan = plan
        self.dep = dep
    }

    /// Links records to the groups that they belong to now. A new group gets a record id.
    ///
    /// - Parameter records: upstream records that have a head.
    /// - Returns: every unit that lost, gained or keeps one of the records.
    /// - Complexity: up to eight round trips; O(records).
    func link(_ records: [RecordID]) throws(StoreError) -> Set<RecordID> {
        let links = LinkTable(connection, units: plan.id, records: dep.upstream)
        let keys = try keys(of: records)
        let grouped = records.filter { keys[$0] != nil }
        let distinct = Array(Set(keys.values))
        let ids = try RecordIDTable(connection, space: plan.space).intern(distinct)
        let units = Dictionary(zip(distinct, ids)) { first, _ in first }
        let before = try links.units(of: records)
        let moved = records.filter { before[$0] != keys[$0].flatMap { units[$0] } }
        try links.set(moved, to: moved.map { keys[$0].flatMap { units[$0] } })
        return Set(before.values).union(grouped.compactMap { keys[$0].flatMap { units[$0] } })
    }

    /// Links all upstream records anew.
    ///
    /// - Complexity: O(upstream records).
    func rebuild() throws(StoreError) {
        try LinkTable(connection, units: plan.id, records: dep.upstream).clear()
        for records in try HeadTable(connection, feature: dep.upstream).all().chunked(PushMarking.mappedRecordsMax) {
            _ = try link(records)
        }
    }

    /// The key of each record's group.
    ///
    /// - Returns: keys by record. A record is absent where it lacks a column or the value cannot be an id.
    /// - Complexity: two round trips.
    func keys(of records: [RecordID]) throws(StoreError) -> [RecordID: RecordKey] {
        guard case .grouped(let columns) = dep.mapping, let upstream = catalog[dep.upstream] else { return [:] }
        let own = try RecordIDTable(connection, space: upstream.space).keys(of: records)
        let described = dep.grouping.isEmpty ? [:] : try HeadTable(connection, feature: dep.upstream).describe(records)
        var keys: [RecordID: RecordKey] = [:]
        for (record, key) in own {
            let metadata = try described[record].map { (head) throws(StoreError) in try Self.metadata(head) }
            let values = columns.compactMap { column in
                switch column {
                case .id(let index): key.values[index]
                case .metadata(let name): metadata?[name].flatMap(IDValue.init)
                }
            }
            let group = RecordKey(values)
            if values.count == columns.count && group.encoded.count <= RecordKey.encodedBytesMax {
                keys[record] = group
            }
        }
        return keys
    }

    private static func metadata(_ head: DescribedHead) throws(StoreError) -> JSONValue {
        do { return try JSONValue(parsing: head.metadata) } catch { throw .corrupt("metadata that is not JSON") }
    }
}

extension Array {
    /// The elements in pieces of at most `count`.
    func chunked(_ count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
