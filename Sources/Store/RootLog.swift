// The lineage of a root, appended in bulk.

public import Feature
public import Postgres

/// Versions of records of a root as columns.
public struct RootVersions: Sendable {
    /// The records, each at most once.
    public var records: [RecordID]
    /// Whether the record has no head yet.
    public var isFresh: [Bool]
    /// Digests of the versions, 16 bytes each.
    public var fingerprints: ByteColumn
    /// Metadata columns, JSON objects.
    public var metadata: ByteColumn
    /// Provenance by slot.
    public var provenance: [ByteColumn]
    /// Whether some data version differs from its provenance.
    public var isOverridden: [Bool]
    /// Data versions by slot, for those that are overridden; no columns where none is.
    public var dataVersions: [ByteColumn]

    /// Versions of `records`.
    public init(
        records: [RecordID], isFresh: [Bool], fingerprints: ByteColumn, metadata: ByteColumn,
        provenance: [ByteColumn], isOverridden: [Bool], dataVersions: [ByteColumn]
    ) {
        self.records = records
        self.isFresh = isFresh
        self.fingerprints = fingerprints
        self.metadata = metadata
        self.provenance = provenance
        self.isOverridden = isOverridden
        self.dataVersions = dataVersions
    }
}

/// Appends what a root's source says: `LineageLog.append` without parents and late results, at half of its cost.
public struct RootLog {
    private let connection: Connection
    private let feature: FeatureID

    /// The lineage of the root `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Lets this transaction write records of the root in any order, or keeps others from doing so.
    ///
    /// A write of many parts cannot take the locks of its records in one order, so it is alone; all others, also those
    /// that delete and restore, share.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; waits for a write of many parts.
    public func enter(isAlone: Bool) throws(StoreError) {
        try connection.run(isAlone ? Self.aloneStatement : Self.sharedStatement, [.int4(feature)])
    }

    /// Appends versions and moves the heads to them, in one statement.
    ///
    /// - Parameter operation: from `Operations.begin`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions · slots).
    public func append(
        _ versions: RootVersions, definition: DefinitionID, operation: Int64
    ) throws(StoreError) {
        guard !versions.records.isEmpty else { return }
        let slots = versions.provenance.count
        var parameters: [Parameter] = [
            .int8(definition), .int8(operation), .int8Array(versions.records), .boolArray(versions.isFresh),
            .uuidColumn(versions.fingerprints), .jsonbColumn(versions.metadata), .boolArray(versions.isOverridden),
        ]
        parameters += versions.provenance.map { .textColumn($0) }
        for slot in 0..<slots {
            parameters.append(.textColumn(versions.dataVersions.isEmpty ? ByteColumn() : versions.dataVersions[slot]))
        }
        try connection.run(statement(slots: slots), parameters)
    }

    private func statement(slots: Int) -> Statement {
        let provenance = (0..<slots).map { "p\($0)" }.joined(separator: ", ")
        let dataVersion = (0..<slots).map { "d\($0)" }.joined(separator: ", ")
        let arrays = (0..<2 * slots).map { "$\(8 + $0)::text[]" }.joined(separator: ", ")
        return Statement(
            "root_append_\(feature)_\(slots)",
            """
            WITH input AS MATERIALIZED (
                SELECT nextval('lineage_entry_sequence') AS entry, u.rid, u.fresh, u.fingerprint, u.metadata,
                       ARRAY[\(provenance)] AS provenance,
                       CASE WHEN u.overridden THEN ARRAY[\(dataVersion)] END AS data_version
                FROM unnest($3::bigint[], $4::boolean[], $5::uuid[], $6::jsonb[], $7::boolean[], \(arrays))
                    AS u (rid, fresh, fingerprint, metadata, overridden, \(provenance), \(dataVersion))
            ), appended AS (
                INSERT INTO lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind,
                    provenance, data_version, metadata)
                SELECT entry, rid, $1, $2, now(), \(feature), 0, provenance, data_version, metadata FROM input
            ), moved AS (
                UPDATE head_\(feature) h
                SET entry = i.entry, definition_id = $1, state = 0, provenance = i.provenance,
                    data_version = i.data_version, fingerprint = i.fingerprint
                FROM input i WHERE h.rid = i.rid AND NOT i.fresh
            )
            INSERT INTO head_\(feature)
                (rid, entry, definition_id, feature_id, state, provenance, data_version, fingerprint)
            SELECT rid, entry, $1, \(feature), 0, provenance, data_version, fingerprint FROM input WHERE fresh
            """)
    }

    /// The first number keeps these locks apart from others.
    private static let aloneStatement = Statement(
        "root_enter_alone", "SELECT pg_advisory_xact_lock(1297373274, $1)")

    private static let sharedStatement = Statement(
        "root_enter_shared", "SELECT pg_advisory_xact_lock_shared(1297373274, $1)")
}
