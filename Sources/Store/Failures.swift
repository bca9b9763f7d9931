// Units whose work failed.

public import Feature
import JSON
public import Postgres

/// A unit that failed, with the provenance on which it did.
public struct Failure: Hashable, Sendable {
    /// The unit.
    public let record: RecordID
    /// How often it failed on this provenance.
    public let attempts: Int32
    /// When it may be tried again, microseconds since 1970; nil where it is quarantined.
    public let retryAt: Int64?
    /// Whether that time has come.
    public let isDue: Bool
    /// What the worker said.
    public let error: String
    /// Who said it.
    public let worker: String
    /// When it failed first and last on this provenance: microseconds since 1970.
    public let firstAt: Int64, lastAt: Int64
    /// The expected provenance on which it failed, by field in the order of the definition.
    public let provenance: [String]
}

/// Reads and writes failures.
public struct Failures {
    private let connection: Connection
    private let feature: FeatureID

    /// The failures of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The failures of these units.
    ///
    /// - Returns: by record id; a unit that has not failed is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func read(_ records: [RecordID]) throws(StoreError) -> [RecordID: Failure] {
        let failures = try connection.rows(Self.readStatement, [.int4(feature), .int8Array(records)], Self.decode)
        return Dictionary(failures.map { ($0.record, $0) }) { first, _ in first }
    }

    /// Notes failures: a unit's attempts count on while its provenance is the same.
    ///
    /// - Parameters:
    ///   - delays: seconds until the next try, one for each unit; nil quarantines it.
    ///   - attempts: how often each has failed now.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func write(
        _ units: [ClaimedUnit], attempts: [Int32], delays: [Double?], definition: DefinitionID, worker: String,
        error: String
    ) throws(StoreError) {
        let provenance = units.map { unit -> [UInt8] in
            var writer = JSONWriter()
            writer.value(.array(unit.provenance.map(JSONValue.string)))
            return writer.bytes
        }
        try connection.run(
            Self.writeStatement,
            [
                .int4(feature), .int8(definition), .text(worker), .text(error), .int8Array(units.map(\.record)),
                .int4Array(attempts), .jsonbArray(provenance), .doubleArray(delays.map { $0 ?? -1 }),
            ])
    }

    /// Forgets the failures of units that succeeded or that are to be tried anew.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func clear(_ records: [RecordID]) throws(StoreError) {
        try connection.run(Self.clearStatement, [.int4(feature), .int8Array(records)])
    }

    /// Parked units whose time to be tried again has come.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) by `failure_retry_index`.
    public func due(limit: Int) throws(StoreError) -> [RecordID] {
        try connection.rows(Self.dueStatement, [.int4(feature), .int8(Int64(limit))]) { row throws(PostgresError) in
            try row.int8(0)
        }
    }

    /// Failures in the order of record ids.
    ///
    /// - Parameter after: the last record of the page before, -1 for the first page.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func page(after: RecordID, limit: Int) throws(StoreError) -> [Failure] {
        try connection.rows(
            Self.pageStatement, [.int4(feature), .int8(after), .int8(Int64(limit))], Self.decode)
    }

    private static func decode(_ row: Row) throws(PostgresError) -> Failure {
        Failure(
            record: try row.int8(0), attempts: try row.int4(1), retryAt: try row.timestampOrNil(2),
            isDue: try row.boolOrNil(8) ?? false, error: try row.text(3), worker: try row.text(4),
            firstAt: try row.timestamp(5), lastAt: try row.timestamp(6),
            provenance: try row.textArray(7).map { $0 ?? "" })
    }
}

extension Failures {
    private static let columns = """
        f.rid, f.attempts, f.retry_at, f.error, f.worker, f.first_at, f.last_at, f.provenance,
        f.retry_at <= clock_timestamp()
        """

    private static let readStatement = Statement(
        "failure_read",
        """
        SELECT \(columns) FROM unnest($2::bigint[]) AS u (rid)
        JOIN failure f ON f.feature_id = $1 AND f.rid = u.rid
        """)

    private static let writeStatement = Statement(
        "failure_write",
        """
        INSERT INTO failure AS f (rid, definition_id, first_at, last_at, retry_at, feature_id, attempts, worker, error,
                                  provenance)
        SELECT u.rid, $2, clock_timestamp(), clock_timestamp(),
               CASE WHEN u.delay >= 0 THEN clock_timestamp() + make_interval(secs => u.delay) END,
               $1, u.attempts, $3, $4, ARRAY(SELECT jsonb_array_elements_text(u.provenance))
        FROM unnest($5::bigint[], $6::integer[], $7::jsonb[], $8::double precision[])
            AS u (rid, attempts, provenance, delay)
        ORDER BY u.rid
        ON CONFLICT (feature_id, rid) DO UPDATE SET
            definition_id = excluded.definition_id, last_at = excluded.last_at, retry_at = excluded.retry_at,
            first_at = CASE WHEN f.provenance = excluded.provenance THEN f.first_at ELSE excluded.first_at END,
            attempts = excluded.attempts, worker = excluded.worker, error = excluded.error,
            provenance = excluded.provenance
        """)

    private static let clearStatement = Statement(
        "failure_clear", "DELETE FROM failure WHERE feature_id = $1 AND rid = ANY ($2::bigint[])")

    private static let dueStatement = Statement(
        "failure_due",
        """
        SELECT f.rid FROM failure f
        JOIN work w ON w.feature_id = f.feature_id AND w.block = (f.rid >> 10)::integer
        WHERE f.feature_id = $1 AND f.retry_at <= clock_timestamp()
          AND get_bit(w.parked, (f.rid & 1023)::integer) = 1
        ORDER BY f.retry_at LIMIT $2
        """)

    private static let pageStatement = Statement(
        "failure_page",
        "SELECT \(columns) FROM failure f WHERE f.feature_id = $1 AND f.rid > $2 ORDER BY f.rid LIMIT $3")
}
