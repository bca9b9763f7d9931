// Lists the live records of a feature.

public import Feature
import Postgres
import Store

/// A record as it stands.
public struct StoredRecord: Sendable {
    /// The record.
    public let record: RecordID
    /// The values of its id columns, in the order of the spec.
    public let key: RecordKey
    /// Its metadata columns.
    public let columns: [RowColumn]
    /// The feature version under which it was written.
    public let featureVersion: String
    /// Its provenance, by struct key in the order of struct keys.
    public let provenance: [(structKey: String, version: String)]
    /// Its data version, likewise.
    public let dataVersion: [(structKey: String, version: String)]
    /// The provenance and the data version of the record as a whole.
    public let recordProvenance: String?, recordDataVersion: String?
    /// Whether it is soft-deleted.
    public let isDeleted: Bool
}

/// A page of records.
public struct RecordPage: Sendable {
    /// The feature.
    public let plan: FeaturePlan
    /// The records in the order of record ids.
    public let records: [StoredRecord]
    /// From where the next page goes on; nil at the end.
    public let next: RecordID?
}

extension Metaxy {
    /// A page of a feature's live records.
    ///
    /// - Parameters:
    ///   - after: the last record of the page before, -1 for the first page.
    ///   - limit: 1...`Limits.pageRowsMax`.
    ///   - includesDeleted: whether soft-deleted ones are listed too.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips; O(limit).
    public func records(
        of key: FeatureKey, after: RecordID, limit: Int, includesDeleted: Bool
    ) async throws(ServiceError) -> RecordPage {
        try await read { (scope) throws(ServiceError) in
            let plan = try scope.plan(key)
            return try stored { () throws(StoreError) in
                let heads = try Heads(scope.connection, feature: plan.id)
                    .page(after: after, limit: limit + 1, deleted: includesDeleted)
                let page = Array(heads.prefix(limit))
                let records = try scope.describe(page, plan)
                return RecordPage(
                    plan: plan, records: records, next: heads.count > limit ? page.last?.head.record : nil)
            }
        }
    }
}

extension Scope {
    /// Completes heads to what a reader sees.
    fileprivate func describe(
        _ heads: [DescribedHead], _ plan: FeaturePlan
    ) throws(StoreError) -> [StoredRecord] {
        let keys = try RecordIDs(connection, space: plan.space).keys(of: heads.map(\.head.record))
        let ids = Set(heads.map(\.head.definition)).subtracting([plan.definition])
        let earlier = try definitions.definitions(ids, Registry(connection))
        var hasher = RecordHasher(plan.hash)
        var records: [StoredRecord] = []
        for described in heads {
            let head = described.head
            let definition = earlier[head.definition]
            let fields = definition.map { FieldSlots($0, slots: plan.slots) } ?? FieldSlots(plan)
            let provenance = fields.fields.map { ($0.structKey, head.provenance(at: $0.slot) ?? "") }
            let dataVersion = fields.fields.map { ($0.structKey, head.dataVersion(at: $0.slot) ?? "") }
            records.append(
                StoredRecord(
                    record: head.record, key: keys[head.record] ?? RecordKey([]),
                    columns: try RowColumn.columns(described.metadata),
                    featureVersion: definition?.featureVersion ?? plan.featureVersion, provenance: provenance,
                    dataVersion: dataVersion, recordProvenance: hasher.recordVersion(provenance.map(\.1)),
                    recordDataVersion: hasher.recordVersion(dataVersion.map(\.1)), isDeleted: !head.isLive))
        }
        return records
    }
}
