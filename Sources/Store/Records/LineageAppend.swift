// Appends versions to the lineage of a feature and moves the heads to them.

public import Feature
public import Postgres

/// Numbers for entries that are drawn before the entries are written.
public struct EntryNumbers: Sendable {
    let entries: [EntryID]
    let writtenAt: Int64

    /// The first of some numbers.
    ///
    /// - Parameters:
    ///   - drawn: the answer of `LineageAppend.numbers`, asked after the transaction asked `LineageAppend.opening`.
    ///   - count: how many are needed.
    ///   - writtenAt: the answer of `LineageAppend.opening`.
    /// - Returns: nil where there are too few.
    public init?(_ drawn: [EntryID], count: Int, writtenAt: Int64) {
        guard drawn.count >= count else { return nil }
        entries = Array(drawn.prefix(count))
        self.writtenAt = writtenAt
    }
}

/// Appends versions to the lineage of one feature and moves the heads to them: the only way to do so.
///
/// Few versions take one statement, many take COPY; both leave the same behind.
public struct LineageAppend {
    let connection: Connection
    let feature: FeatureID

    /// The lineage of the feature that `access` is to.
    public init(_ connection: Connection, _ access: WriteAccess) {
        self.connection = connection
        feature = access.feature
    }

    /// Appends versions, at most one of each record, under one definition. Late ones become no heads.
    ///
    /// Entries are numbered in the order given.
    ///
    /// - Parameters:
    ///   - versions: the versions.
    ///   - fresh: those of their records that have no head yet.
    ///   - definition: the definition under which they are written.
    ///   - slots: how many slots the feature has: the length of each version's `provenance`.
    ///   - operation: from `ChangeLog.begin`.
    /// - Throws: `.database`.
    /// - Complexity: as the other `append`.
    public func append(
        _ versions: [LineageVersion], fresh: Set<RecordID>, definition: DefinitionID, slots: Int, operation: Int64
    ) throws(StoreError) {
        let columns = VersionColumns(versions, fresh: fresh, slots: slots)
        try append(columns, definition: definition, operations: [operation], numbers: nil)
    }

    /// Appends versions that all become heads.
    ///
    /// - Parameters:
    ///   - versions: the versions.
    ///   - kind: why they are written.
    ///   - definition: the definition under which they are written.
    ///   - operations: the number of the change that each version is part of; one where they all have the same.
    ///   - numbers: numbers of the entries; nil where these are yet to be drawn.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own, three and more for `copiedMin` versions or more; O(versions · slots).
    public func append(
        _ versions: VersionColumns, kind: LineageKind, definition: DefinitionID, operations: [Int64],
        numbers: EntryNumbers? = nil
    ) throws(StoreError) {
        var versions = versions
        versions.kinds = [kind]
        try append(versions, definition: definition, operations: operations, numbers: numbers)
    }

    private func append(
        _ versions: VersionColumns, definition: DefinitionID, operations: [Int64], numbers: EntryNumbers?
    ) throws(StoreError) {
        guard !versions.records.isEmpty else { return }
        let parents =
            versions.lists ?? ParentLists(ownEntries: versions.parents, count: versions.records.count)
        if versions.records.count >= Self.copiedMin {
            let numbers = if let numbers { numbers } else { try draw(versions.records.count) }
            return try copy(versions, parents, numbers, definition: definition, operations: operations)
        }
        let rows = versions.records.indices
        let slots = versions.provenance.count
        let isOverridden = versions.isOverridden.contains(true)
        var parameters: [Parameter] = [
            .int8(definition), .int8Array(rows.map { operations[operations.count == 1 ? 0 : $0] }),
            .int2Array(rows.map { versions.kind($0).rawValue }), .int8Array(versions.records),
            .boolArray(versions.isFresh), .bytesColumn(versions.keys), .uuidColumn(versions.fingerprints),
            .jsonbColumn(versions.metadata), .boolArray(versions.isOverridden), .int8Array(parents.entries),
            .int8Array(parents.records), .int4Array(parents.counts), .int4Array(Self.starts(parents.entryEnds)),
            .int4Array(parents.entryEnds), .int4Array(Self.starts(parents.countEnds)), .int4Array(parents.countEnds),
            .boolArray(parents.isOwnRecord), .boolArray(parents.isSingle),
        ]
        parameters += versions.provenance.map { .textColumn($0) }
        for slot in 0..<slots {
            parameters.append(.textColumn(isOverridden ? versions.dataVersions[slot] : ByteColumn()))
        }
        try connection.runLater(statement(slots: slots), parameters)
    }

    private static func starts(_ ends: [Int32]) -> [Int32] { [0] + ends.dropLast() }

    /// Texts of one slot are one array parameter each: slicing one flat array would cost O(rows²), since the elements
    /// of a text array have no fixed width. Parent entries have one, so they are sliced.
    private func statement(slots: Int) -> Statement {
        let provenance = (0..<slots).map { "p\($0)" }.joined(separator: ", ")
        let dataVersion = (0..<slots).map { "d\($0)" }.joined(separator: ", ")
        let texts = (0..<2 * slots).map { ", (SELECT $\(19 + $0)::text[])" }.joined()
        let late = LineageKind.late.rawValue
        let state = "CASE WHEN i.kind = \(LineageKind.deleted.rawValue) THEN 1 ELSE 0 END"
        return Statement(
            "lineage_append_\(feature)_\(slots)",
            """
            WITH input AS MATERIALIZED (
                SELECT nextval('lineage_entry_sequence') AS entry, u.rid, u.operation, u.kind, u.fresh, u.key, u.fingerprint,
                       u.metadata,
                       ARRAY[\(provenance)] AS provenance,
                       CASE WHEN u.overridden THEN ARRAY[\(dataVersion)] END AS data_version,
                       CASE WHEN u.last_count > u.first_count
                            THEN ($10::bigint[])[u.first_entry + 1 : u.last_entry] END AS parents,
                       CASE WHEN u.last_count > u.first_count AND NOT u.own
                            THEN ($11::bigint[])[u.first_entry + 1 : u.last_entry] END AS parent_records,
                       CASE WHEN NOT u.single
                            THEN ($12::integer[])[u.first_count + 1 : u.last_count] END AS parent_counts
                FROM unnest((SELECT $4::bigint[]), (SELECT $2::bigint[]), (SELECT $3::smallint[]), (SELECT $5::boolean[]),
                            (SELECT $6::bytea[]), (SELECT $7::uuid[]), (SELECT $8::jsonb[]), (SELECT $9::boolean[]),
                            (SELECT $13::integer[]), (SELECT $14::integer[]), (SELECT $15::integer[]),
                            (SELECT $16::integer[]), (SELECT $17::boolean[]), (SELECT $18::boolean[])\(texts))
                    AS u (rid, operation, kind, fresh, key, fingerprint, metadata, overridden, first_entry, last_entry,
                          first_count, last_count, own, single, \(provenance), \(dataVersion))
            ), appended AS (
                INSERT INTO lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind,
                    provenance, data_version, parents, parent_records, parent_counts, metadata)
                SELECT entry, rid, $1, operation, now(), \(feature), kind, provenance, data_version, parents, parent_records,
                       parent_counts, metadata
                FROM input
            ), moved AS (
                UPDATE head_\(feature) h
                SET entry = i.entry, definition_id = $1, state = \(state), provenance = i.provenance,
                    data_version = i.data_version, fingerprint = i.fingerprint
                FROM input i WHERE h.rid = i.rid AND NOT i.fresh AND i.kind <> \(late)
            )
            INSERT INTO head_\(feature)
                (rid, entry, definition_id, feature_id, state, provenance, data_version, fingerprint, key)
            SELECT i.rid, i.entry, $1, \(feature), \(state), i.provenance, i.data_version, i.fingerprint, i.key
            FROM input i WHERE i.fresh AND i.kind <> \(late)
            """)
    }
}
