// Queries on the lineage: entries, versions at a time, what records were made from.

public import Feature
public import Postgres

/// A lineage entry as it is stored.
public struct LineageEntry: Hashable, Sendable {
    /// Its number.
    public let entry: EntryID
    /// The feature of the record.
    public let feature: FeatureID
    /// The record.
    public let record: RecordID
    /// The definition under which it was written.
    public let definition: DefinitionID
    /// The kind of the version.
    public let kind: LineageKind
    /// When: microseconds since 1970.
    public let writtenAt: Int64
    /// The provenance of each slot.
    public let provenance: [String?]
    /// The data version of each slot; nil where each equals its provenance.
    public let dataVersions: [String?]?
    /// The upstream entries, by dep of the definition. Empty for a root.
    public let parents: [[ParentEntry]]
    /// The claim whose result it is.
    public let claim: Int64?
    /// The writer.
    public let writer: Writer
    /// The metadata columns, a JSON object; nil where they were erased.
    public let metadata: [UInt8]?

    /// The data version of a field, nil where this version has no such field.
    public func dataVersion(at slot: Slot) -> String? {
        let values = dataVersions ?? provenance
        let index = Int(slot) - 1
        return index < values.count ? values[index] : nil
    }

    /// The provenance of a field, nil where this version has no such field.
    public func provenance(at slot: Slot) -> String? {
        let index = Int(slot) - 1
        return index < provenance.count ? provenance[index] : nil
    }
}

/// The end of a version: the next version of the record.
public struct VersionEnd: Hashable, Sendable {
    /// The entry of the next version.
    let entry: EntryID
    /// The operation that wrote the next version. None of its entries belongs to the version that ended: a unit is
    /// written before its records and deleted after them. 0 where the same operation wrote both versions, as a long write
    /// may.
    let operation: Int64

    /// The end of a version that is still current.
    public static let never = VersionEnd(entry: .max, operation: 0)
}

/// Reads the lineage of one feature.
public struct LineageQueries {
    let connection: Connection
    let feature: FeatureID

    /// The lineage of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Entries of known records.
    ///
    /// - Returns: by entry; one that does not exist is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each.
    public func entries(_ entries: [ParentEntry]) throws(StoreError) -> [EntryID: LineageEntry] {
        let statement = Statement.named("lineage_entries", feature: feature)
        let found = try connection.rows(
            statement, [.int8Array(entries.map(\.record)), .int8Array(entries.map(\.entry))], decode)
        return Dictionary(found.map { ($0.entry, $0) }) { first, _ in first }
    }

    /// The metadata columns of entries.
    ///
    /// - Returns: by entry; one whose payload was erased is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each.
    public func metadata(_ entries: [ParentEntry]) throws(StoreError) -> [EntryID: [UInt8]] {
        guard !entries.isEmpty else { return [:] }
        let statement = Statement.named("lineage_metadata", feature: feature)
        let found = try connection.rows(
            statement, [.int8Array(entries.map(\.record)), .int8Array(entries.map(\.entry))]
        ) { row throws(PostgresError) in (try row.int8(0), try row.jsonb(1)) }
        return Dictionary(found) { first, _ in first }
    }

    /// The versions of a record, newest first.
    ///
    /// - Parameters:
    ///   - before: the oldest entry of the page before; `.max` for the first page.
    ///   - limit: how many at most.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func history(
        of record: RecordID, before: EntryID, limit: Int
    ) throws(StoreError) -> [LineageEntry] {
        let statement = Statement.named("lineage_history", feature: feature)
        return try connection.rows(statement, [.int8(record), .int8(before), .int8(Int64(limit))], decode)
    }

    /// The entry of a record that was current at `time`.
    ///
    /// - Parameter time: microseconds since 1970.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the record).
    public func entry(of record: RecordID, asOf time: Int64) throws(StoreError) -> LineageEntry? {
        let statement = Statement.named("lineage_as_of", feature: feature)
        return try connection.row(statement, [.int8(record), .timestamp(time)], decode)
    }

    /// The versions of `records` that were made from any of `parents`.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func children(
        of parents: [EntryID], among records: [RecordID]
    ) throws(StoreError) -> [LineageEntry] {
        let statement = Statement.named("lineage_children", feature: feature)
        return try connection.rows(statement, [.int8Array(records), .int8Array(parents)], decode)
    }

    /// The newest version of each record that was current, is not a tombstone and was not erased.
    ///
    /// - Returns: by record id; a record without one is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func beforeTombstone(of records: [RecordID]) throws(StoreError) -> [RecordID: LineageEntry] {
        let statement = Statement.named("lineage_before_tombstone", feature: feature)
        let found = try connection.rows(statement, [.int8Array(records)], decode)
        return Dictionary(found.map { ($0.record, $0) }) { first, _ in first }
    }

    /// Finds the records whose data has changed since an earlier version, other than by a rebase.
    ///
    /// - Parameter entries: the earlier versions.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions since).
    public func moved(since entries: [ParentEntry]) throws(StoreError) -> Set<ParentEntry> {
        guard !entries.isEmpty else { return [] }
        let statement = Statement.named("lineage_moved", feature: feature)
        let parameters: [Parameter] = [.int8Array(entries.map(\.record)), .int8Array(entries.map(\.entry))]
        return Set(
            try connection.rows(statement, parameters) { row throws(PostgresError) in
                ParentEntry(entry: try row.int8(1), record: try row.int8(0))
            })
    }

    /// Earlier versions of records that have exactly the given provenance.
    ///
    /// - Parameters:
    ///   - slots: the slots that `provenance` gives.
    ///   - units: records with the provenance of each of `slots`.
    ///   - includesLate: whether late results count. False for units of an expansion: the records of a unit are those
    ///     written until its next version, so only versions count whose records are all stored.
    /// - Returns: the newest match of each record; a record without one is absent. Tombstones do not count.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func matching(
        slots: [Slot], _ units: [(record: RecordID, provenance: [String])], includesLate: Bool
    ) throws(StoreError) -> [RecordID: LineageEntry] {
        let names = slots.indices.map { "p\($0)" }
        let arrays = slots.indices.map { "(SELECT $\($0 + 2)::text[])" }.joined(separator: ", ")
        let tests = zip(slots, names).map { "l.provenance[\($0)] = u.\($1)" }.joined(separator: " AND ")
        let statement = Statement(
            "lineage_matching_\(feature)_\(includesLate ? "late_" : "")"
                + slots.map(String.init).joined(separator: "_"),
            """
            SELECT DISTINCT ON (l.rid) \(Self.columns)
            FROM unnest((SELECT $1::bigint[]), \(arrays)) AS u (rid, \(names.joined(separator: ", ")))
            JOIN lineage_\(feature) l ON l.rid = u.rid
            JOIN operation o ON o.id = l.operation_id
            WHERE l.kind <> \(LineageKind.deleted.rawValue) AND \(tests)
              AND \(includesLate ? "TRUE" : isWhole)
            ORDER BY l.rid, l.entry DESC
            """)
        var parameters: [Parameter] = [.int8Array(units.map(\.record))]
        for index in slots.indices { parameters.append(.textArray(units.map { $0.provenance[index] })) }
        let found = try connection.rows(statement, parameters, decode)
        return Dictionary(found.map { ($0.record, $0) }) { first, _ in first }
    }

    /// Whether a version `l` was current once, and nothing that was then was dropped.
    private var isWhole: String {
        """
        l.kind <> \(LineageKind.late.rawValue) AND NOT EXISTS (
            SELECT FROM lineage_horizon z JOIN lineage_\(feature) n ON n.entry <= z.entry
            WHERE z.feature_id = \(feature) AND n.rid = l.rid AND n.entry > l.entry
                AND n.kind <> \(LineageKind.late.rawValue))
        """
    }

    /// The versions of records that were current before given entries.
    ///
    /// - Parameter ends: records, each with the end of that version.
    /// - Returns: by record, its newest version before that end that was ever current, tombstones too; a record that
    ///   did not exist yet, or whose version was erased, is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func versions(
        before ends: [(record: RecordID, end: VersionEnd)]
    ) throws(StoreError) -> [RecordID: LineageEntry] {
        let statement = Statement.named("lineage_before", feature: feature)
        let parameters: [Parameter] = [
            .int8Array(ends.map(\.record)), .int8Array(ends.map(\.end.entry)), .int8Array(ends.map(\.end.operation)),
        ]
        let found = try connection.rows(statement, parameters, decode)
        return Dictionary(found.filter { !$0.provenance.isEmpty }.map { ($0.record, $0) }) { first, _ in first }
    }

    /// The ends of versions.
    ///
    /// - Parameter entries: a version of each record.
    /// - Returns: by record; absent where no version that was ever current follows.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions since).
    public func ends(of entries: [ParentEntry]) throws(StoreError) -> [RecordID: VersionEnd] {
        let statement = Statement.named("lineage_ends", feature: feature)
        let found = try connection.rows(
            statement, [.int8Array(entries.map(\.record)), .int8Array(entries.map(\.entry))]
        ) { row throws(PostgresError) in
            let (operation, own) = (try row.int8(2), try row.int8(3))
            return (try row.int8(0), VersionEnd(entry: try row.int8(1), operation: operation == own ? 0 : operation))
        }
        return Dictionary(found) { first, _ in first }
    }

    static let columns = """
        l.entry, l.rid, l.definition_id, l.kind, l.written_at, l.provenance, l.data_version, l.parents,
        l.parent_records, l.parent_counts, l.metadata, o.claim_id, o.worker, o.materialization_id, o.token_name,
        o.request_id
        """

    func decode(_ row: Row) throws(PostgresError) -> LineageEntry {
        let record = try row.int8(1)
        return LineageEntry(
            entry: try row.int8(0), feature: feature, record: record, definition: try row.int8(2),
            kind: LineageKind(rawValue: try row.int2(3)) ?? .written, writtenAt: try row.timestamp(4),
            provenance: try row.textArrayOrNil(5) ?? [], dataVersions: try row.textArrayOrNil(6),
            parents: Self.parents(
                of: record, entries: try row.int8ArrayOrNil(7), records: try row.int8ArrayOrNil(8),
                counts: try row.int4ArrayOrNil(9)),
            claim: try row.int8OrNil(11),
            writer: Writer(
                worker: try row.textOrNil(12), materialization: try row.textOrNil(13), token: try row.textOrNil(14),
                request: try row.textOrNil(15)),
            metadata: try row.jsonbOrNil(10))
    }

    private static func parents(
        of record: RecordID, entries: [EntryID]?, records: [RecordID]?, counts: [Int32]?
    ) -> [[ParentEntry]] {
        guard let entries else { return [] }
        let flat = entries.indices.map { index in
            ParentEntry(entry: entries[index], record: records?[index] ?? (entries[index] == 0 ? 0 : record))
        }
        guard let counts else { return flat.map { [$0] } }
        var next = 0
        return counts.map { count in
            defer { next += Int(count) }
            return Array(flat[next..<next + Int(count)])
        }
    }
}
