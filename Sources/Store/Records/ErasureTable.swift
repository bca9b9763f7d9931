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

    /// Which of `records` were erased after a version of them was current.
    ///
    /// Entries of a record are numbered in the order of their commits, as its block is locked meanwhile. Times would not tell: a
    /// claim may begin after an erasure began and hand the record out before the erasure gets to it.
    ///
    /// - Parameters:
    ///   - records: distinct records.
    ///   - bases: for each record the entry that was current; 0 for none.
    ///   - time: microseconds since 1970, when it was current. Counts where retention has dropped the tombstone.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; two index lookups for each record.
    public func erased(
        _ records: [RecordID], after bases: [EntryID], since time: Int64
    ) throws(StoreError) -> Set<RecordID> {
        guard !records.isEmpty else { return [] }
        let statement = Statement(
            "erasure_erased_\(feature)",
            """
            SELECT DISTINCT e.rid FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS u (rid, base)
            JOIN erasure e ON e.feature_id = \(feature) AND e.rid = u.rid
            WHERE e.at >= $3 OR EXISTS (
                SELECT FROM lineage_\(feature) l
                WHERE l.rid = u.rid AND l.entry > u.base AND l.operation_id = e.operation_id)
            """)
        let parameters: [Parameter] = [.int8Array(records), .int8Array(bases), .timestamp(time)]
        return Set(try connection.rows(statement, parameters) { row throws(PostgresError) in try row.int8(0) })
    }

    private static let eraseStatement = Statement("erasure_erase", "SELECT erase_records($1, $2::bigint[], $3)")
}
