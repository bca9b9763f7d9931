// Lists the records of a feature: as they are, as they were, or every version of them.

public import Feature
import JSON
import Postgres
import Store

/// A version of a record as it is stored.
public struct StoredRecord: Sendable {
    /// The record.
    public let record: RecordID
    /// The lineage entry.
    public let entry: EntryID
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
    /// The orchestrator's run that wrote it.
    public let materialization: String?
    /// When it was written: microseconds since 1970.
    public let writtenAt: Int64
    /// Whether it is a tombstone.
    public let isDeleted: Bool
}

/// A question for the records of a feature.
public struct RecordQuery: Sendable {
    /// The feature.
    public var feature: FeatureKey
    /// How many records at most: 1...`TransactionLimits.pageRowsMax`.
    public var limit: Int
    /// The record from where to go on: what the page before gave as `next`, -1 for the first page.
    public var after: RecordID = -1
    /// The version of that record from where to go on: what the page before gave as `nextEntry`.
    public var afterEntry: EntryID = 0
    /// Which records to list: those whose listed version passes every filter.
    public var filters: [Filter] = []
    /// Whether soft-deleted records, or tombstones, are listed too.
    public var includesDeleted = false
    /// Whether every version is listed, not only the newest.
    public var hasHistory = false
    /// The feature version under which the listed versions were written; nil for any.
    public var featureVersion: String?
    /// The moment whose records are listed, microseconds since 1970; nil for now.
    public var asOf: Int64?

    /// A question for the first `limit` live records of `feature`.
    public init(feature: FeatureKey, limit: Int) {
        self.feature = feature
        self.limit = limit
    }
}

/// A page of records.
public struct RecordPage: Sendable {
    /// The feature.
    public let plan: FeaturePlan
    /// The records in the order of record ids, versions of one in the order of writing.
    public let records: [StoredRecord]
    /// From where the next page goes on; nil at the end.
    public let next: RecordID?
    /// From which version of `next` the next page goes on; 0 unless every version is listed.
    public let nextEntry: EntryID
    /// Versions that stopped being current before this moment may be missing from the list, microseconds since 1970;
    /// nil where none is.
    public let horizon: Int64?
}

extension RecordService {
    /// A page of a feature's live records.
    ///
    /// - Parameters:
    ///   - key: the feature.
    ///   - after: the last record of the page before, -1 for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    ///   - includesDeleted: whether soft-deleted ones are listed too.
    /// - Returns: the page.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips; O(limit).
    public func list(
        of key: FeatureKey, after: RecordID, limit: Int, includesDeleted: Bool
    ) async throws(ServiceError) -> RecordPage {
        var query = RecordQuery(feature: key, limit: limit)
        query.after = after
        query.includesDeleted = includesDeleted
        return try await list(query)
    }

    /// A page of a feature's records. Filters look at the version that is listed: an older one never takes its place.
    ///
    /// - Parameter query: what to list.
    /// - Returns: the page, full unless it is the last.
    /// - Throws: `.featureNotFound`, `.versionNotFound`, `.unavailable`.
    /// - Complexity: O(limit) round trips and rows; with filters O(records) until the page is full.
    public func list(_ query: RecordQuery) async throws(ServiceError) -> RecordPage {
        try await transactions.read { (transaction) throws(ServiceError) in
            var reading = try RecordReading(transaction, query)
            return try reading.page()
        }
    }
}

/// A list being read in one snapshot.
private struct RecordReading {
    /// The most versions read at a time.
    private static let step = 4_096

    private let transaction: ServiceTransaction
    private let query: RecordQuery
    private let plan: FeaturePlan
    private let selection: VersionSelection
    private let horizon: Int64?
    private var record: RecordID
    private var entry: EntryID

    init(_ transaction: ServiceTransaction, _ query: RecordQuery) throws(ServiceError) {
        self.transaction = transaction
        self.query = query
        plan = try transaction.plan(query.feature)
        record = query.after
        entry = query.afterEntry
        var selection = VersionSelection(asOf: query.asOf)
        if let version = query.featureVersion {
            let id = plan.id
            let definitions = try stored { () throws(StoreError) in
                try Registry(transaction.connection).definitions(of: id, version: version)
            }
            guard !definitions.isEmpty else { throw .versionNotFound(version) }
            selection.definitions = definitions
        }
        self.selection = selection
        let isOfPast = query.hasHistory || selection != VersionSelection()
        horizon = isOfPast ? try transaction.horizon(of: plan, asOf: query.asOf) : nil
    }

    mutating func page() throws(ServiceError) -> RecordPage {
        do {
            var records: [StoredRecord] = []
            while records.count <= query.limit {
                let wanted = query.filters.isEmpty ? query.limit + 1 - records.count : Self.step
                let entries = try next(min(wanted, Self.step))
                let listed = entries.filter { query.includesDeleted || $0.kind != .deleted }
                for record in try transaction.describe(listed, plan) {
                    if query.filters.isEmpty {
                        records.append(record)
                    } else if try FilteredRow(record, plan: plan).passes(query.filters) {
                        records.append(record)
                    }
                }
                guard let last = entries.last else { break }
                (record, entry) = (last.record, last.entry)
            }
            let isMore = records.count > query.limit
            let page = Array(records.prefix(query.limit))
            return RecordPage(
                plan: plan, records: page, next: isMore ? page.last?.record : nil,
                nextEntry: query.hasHistory ? page.last?.entry ?? 0 : 0, horizon: horizon)
        } catch {
            throw ServiceError(error)
        }
    }

    private func next(_ limit: Int) throws(StoreError) -> [LineageEntry] {
        let lineage = LineageQueries(transaction.connection, feature: plan.id)
        if query.hasHistory { return try lineage.versions(after: record, entry, limit: limit, selection) }
        guard selection == VersionSelection() else {
            return try lineage.latest(after: record, limit: limit, selection)
        }
        return try lineage.current(after: record, limit: limit, deleted: query.includesDeleted)
    }
}

extension ServiceTransaction {
    /// Up to where superseded versions of a feature's records may be missing; nil where none is.
    ///
    /// - Throws: `.historyDropped` where what was current at `time` may be missing.
    func horizon(of plan: FeaturePlan, asOf time: Int64?) throws(ServiceError) -> Int64? {
        let horizons = try stored { () throws(StoreError) in try RetentionRuns(connection).horizons(of: [plan.id]) }
        guard let horizon = horizons[plan.id]?.at else { return nil }
        guard let time, time < horizon else { return horizon }
        throw .historyDropped(plan.key, horizon: horizon)
    }

    /// Completes versions to what a reader sees.
    fileprivate func describe(
        _ entries: [LineageEntry], _ plan: FeaturePlan
    ) throws(StoreError) -> [StoredRecord] {
        guard !entries.isEmpty else { return [] }
        let keys = try RecordIDTable(connection, space: plan.space).keys(of: Array(Set(entries.map(\.record))))
        let ids = Set(entries.map(\.definition)).subtracting([plan.definition])
        let earlier = try definitions.definitions(ids, Registry(connection))
        var hasher = RecordHasher(plan.hash)
        var records: [StoredRecord] = []
        for entry in entries {
            let definition = earlier[entry.definition]
            let fields = definition.map { FieldSlots($0, slots: plan.slots) } ?? FieldSlots(plan)
            let provenance = fields.fields.map { ($0.structKey, entry.provenance(at: $0.slot) ?? "") }
            let dataVersion = fields.fields.map { ($0.structKey, entry.dataVersion(at: $0.slot) ?? "") }
            records.append(
                StoredRecord(
                    record: entry.record, entry: entry.entry, key: keys[entry.record] ?? RecordKey([]),
                    columns: try entry.metadata.map { (bytes) throws(StoreError) in try RowColumn.columns(bytes) }
                        ?? [],
                    featureVersion: definition?.featureVersion ?? plan.featureVersion, provenance: provenance,
                    dataVersion: dataVersion, recordProvenance: hasher.recordVersion(provenance.map(\.1)),
                    recordDataVersion: hasher.recordVersion(dataVersion.map(\.1)),
                    materialization: entry.writer.materialization, writtenAt: entry.writtenAt,
                    isDeleted: entry.kind == .deleted))
        }
        return records
    }
}
