// Erasing the payload of records from the lineage.

public import Feature
public import Postgres

/// Erases records of one feature, and knows which were erased.
public struct ErasureTable {
    private let connection: Connection
    private let feature: FeatureID

    /// The erasures of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Takes metadata, provenance and data versions out of every version of records but those that the operation itself
    /// wrote, and notes it.
    ///
    /// - Parameters:
    ///   - records: distinct records.
    ///   - operation: who asked for it; from `ChangeLog.begin`.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func erase(_ records: [RecordID], operation: Int64) throws(StoreError) {
        try connection.run(Self.eraseStatement, [.int4(feature), .int8Array(records), .int8(operation)])
    }

    /// Which of `records` have a version with a payload that is more than a tombstone.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(versions of the records).
    public func holding(_ records: [RecordID]) throws(StoreError) -> Set<RecordID> {
        let statement = Statement(
            "erasure_holding_\(feature)",
            """
            SELECT u.rid FROM unnest((SELECT $1::bigint[])) AS u (rid) WHERE EXISTS (
                SELECT FROM lineage_\(feature) l
                WHERE l.rid = u.rid AND l.kind <> \(LineageKind.deleted.rawValue) AND l.provenance IS NOT NULL)
            """)
        return Set(
            try connection.rows(statement, [.int8Array(records)]) { row throws(PostgresError) in try row.int8(0) })
    }

    /// Which of `records` were erased at `time` or later.
    ///
    /// - Parameter time: microseconds since 1970.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each record.
    public func erased(_ records: [RecordID], since time: Int64) throws(StoreError) -> Set<RecordID> {
        guard !records.isEmpty else { return [] }
        let parameters: [Parameter] = [.int4(feature), .int8Array(records), .timestamp(time)]
        return Set(
            try connection.rows(Self.erasedStatement, parameters) { row throws(PostgresError) in try row.int8(0) })
    }

    private static let eraseStatement = Statement("erasure_erase", "SELECT erase_records($1, $2::bigint[], $3)")
    private static let erasedStatement = Statement(
        "erasure_erased",
        "SELECT rid FROM erasure WHERE feature_id = $1 AND rid = ANY ($2::bigint[]) AND at >= $3")
}
