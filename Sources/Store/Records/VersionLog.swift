// The lineage of a feature, appended in bulk.

public import Feature
public import Postgres

/// Versions of records as columns, all of them to become heads.
///
/// Each dep has one parent at most, with the record id of the version.
public struct VersionColumns: Sendable {
    /// The records, each at most once.
    public var records: [RecordID]
    /// Whether the record has no head yet.
    public var isFresh: [Bool]
    /// Encoded keys of the records that have no head yet and a short key, NULL for the others.
    public private(set) var keys = ByteColumn()
    /// Digests of the versions, 16 bytes each; no values where none is kept.
    public var fingerprints: ByteColumn
    /// Metadata columns, JSON objects.
    public var metadata: ByteColumn
    /// Provenance by slot.
    public var provenance: [ByteColumn]
    /// Whether some data version differs from its provenance.
    public var isOverridden: [Bool]
    /// Data versions by slot; needed only where some are overridden.
    public var dataVersions: [ByteColumn]
    /// The entries that they were made from, by dep; 0 where there is none. Empty for a root.
    public var parents: [[EntryID]]

    /// Versions of `records`.
    public init(
        records: [RecordID], isFresh: [Bool], fingerprints: ByteColumn, metadata: ByteColumn,
        provenance: [ByteColumn], isOverridden: [Bool], dataVersions: [ByteColumn], parents: [[EntryID]] = []
    ) {
        self.records = records
        self.isFresh = isFresh
        self.fingerprints = fingerprints
        self.metadata = metadata
        self.provenance = provenance
        self.isOverridden = isOverridden
        self.dataVersions = dataVersions
        self.parents = parents
    }

    /// Keys up to this many bytes are kept beside heads: longer ones would make heads that many read longer for few.
    static let keptKeyBytesMax = 128

    /// Takes the encoded key of the next record.
    ///
    /// - Parameter index: where it is in `column`; nil where the record has a head.
    public mutating func appendKey(_ index: Int?, of column: ByteColumn) {
        guard let index, let range = column.range(index), range.count <= Self.keptKeyBytesMax else {
            return keys.appendNull()
        }
        keys.append(column.bytes, in: range)
    }

    /// Takes the encoded key of the next record; nil where it has a head.
    public mutating func appendKey(_ key: [UInt8]?) {
        guard let key, key.count <= Self.keptKeyBytesMax else { return keys.appendNull() }
        keys.append(key)
    }
}

/// Numbers for entries that were drawn before these are written.
public struct EntryNumbers: Sendable {
    let entries: [EntryID]
    let writtenAt: Int64

    /// The first of some numbers.
    ///
    /// - Parameters:
    ///   - drawn: what `VersionLog.numbers` answered after the transaction had asked for `VersionLog.opening`.
    ///   - count: how many are needed.
    ///   - writtenAt: what `VersionLog.opening` answered.
    /// - Returns: nil where there are too few.
    public init?(_ drawn: [EntryID], count: Int, writtenAt: Int64) {
        guard drawn.count >= count else { return nil }
        entries = Array(drawn.prefix(count))
        self.writtenAt = writtenAt
    }
}

/// Appends versions in columns: `LineageLog.append` without late results and with parents of the simplest kind, at half
/// of its cost.
public struct VersionLog {
    let connection: Connection
    let feature: FeatureID

    /// The lineage of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Appends versions and moves the heads to them.
    ///
    /// - Parameters:
    ///   - operations: the number of the change that each version is part of; one where they all have the same.
    ///   - numbers: numbers of the entries; nil where these are yet to be drawn.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own, three and more for `copiedMin` versions or more; O(versions · slots).
    public func append(
        _ versions: VersionColumns, kind: LineageKind, definition: DefinitionID, operations: [Int64],
        numbers: EntryNumbers? = nil
    ) throws(StoreError) {
        guard !versions.records.isEmpty else { return }
        if versions.records.count >= Self.copiedMin {
            let numbers = if let numbers { numbers } else { try draw(versions.records.count) }
            return try copy(versions, numbers, kind: kind, definition: definition, operations: operations)
        }
        let slots = versions.provenance.count
        let isOverridden = versions.isOverridden.contains(true)
        var parameters: [Parameter] = [
            .int8(definition), .int8Array(versions.records.indices.map { operations[operations.count == 1 ? 0 : $0] }),
            .int2(kind.rawValue), .int8Array(versions.records),
            .boolArray(versions.isFresh), .bytesColumn(versions.keys), .uuidColumn(versions.fingerprints),
            .jsonbColumn(versions.metadata), .boolArray(versions.isOverridden),
        ]
        parameters += versions.provenance.map { .textColumn($0) }
        for slot in 0..<slots {
            parameters.append(.textColumn(isOverridden ? versions.dataVersions[slot] : ByteColumn()))
        }
        parameters += versions.parents.map { .int8Array($0) }
        try connection.runLater(statement(slots: slots, deps: versions.parents.count), parameters)
    }

    private func statement(slots: Int, deps: Int) -> Statement {
        let provenance = (0..<slots).map { "p\($0)" }.joined(separator: ", ")
        let dataVersion = (0..<slots).map { "d\($0)" }.joined(separator: ", ")
        let parents = (0..<deps).map { "e\($0)" }.joined(separator: ", ")
        let texts = (0..<2 * slots).map { ", (SELECT $\(10 + $0)::text[])" }.joined()
        let entries = (0..<deps).map { ", (SELECT $\(10 + 2 * slots + $0)::bigint[])" }.joined()
        return Statement(
            "version_append_\(feature)_\(slots)_\(deps)",
            """
            WITH input AS MATERIALIZED (
                SELECT nextval('lineage_entry_sequence') AS entry, u.rid, u.operation, u.fresh, u.key, u.fingerprint,
                       u.metadata,
                       ARRAY[\(provenance)] AS provenance,
                       CASE WHEN u.overridden THEN ARRAY[\(dataVersion)] END AS data_version,
                       \(deps == 0 ? "NULL::bigint[]" : "ARRAY[\(parents)]") AS parents
                FROM unnest((SELECT $4::bigint[]), (SELECT $2::bigint[]), (SELECT $5::boolean[]), (SELECT $6::bytea[]),
                            (SELECT $7::uuid[]), (SELECT $8::jsonb[]), (SELECT $9::boolean[])\(texts)\(entries))
                    AS u (rid, operation, fresh, key, fingerprint, metadata, overridden, \(provenance), \(dataVersion)\
            \(deps == 0 ? "" : ", " + parents))
            ), appended AS (
                INSERT INTO lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind,
                    provenance, data_version, parents, metadata)
                SELECT entry, rid, $1, operation, now(), \(feature), $3, provenance, data_version, parents, metadata
                FROM input
            ), moved AS (
                UPDATE head_\(feature) h
                SET entry = i.entry, definition_id = $1, state = 0, provenance = i.provenance,
                    data_version = i.data_version, fingerprint = i.fingerprint
                FROM input i WHERE h.rid = i.rid AND NOT i.fresh
            )
            INSERT INTO head_\(feature)
                (rid, entry, definition_id, feature_id, state, provenance, data_version, fingerprint, key)
            SELECT i.rid, i.entry, $1, \(feature), 0, i.provenance, i.data_version, i.fingerprint, i.key
            FROM input i WHERE i.fresh
            """)
    }
}
