// Runs that drop history: one at a time, what they leave when they break off, and up to where history may be missing.

public import Feature
public import Postgres

/// Up to where superseded versions of a feature may be missing.
public struct LineageHorizon: Hashable, Sendable {
    /// What was current at this moment or later is all there: microseconds since 1970.
    public let at: Int64
    /// What was current when this entry was written, or later, is all there.
    public let entry: EntryID

    /// A horizon at a moment and an entry.
    public init(at: Int64, entry: EntryID) {
        self.at = at
        self.entry = entry
    }
}

/// The runs that drop history of a database.
public struct RetentionRuns {
    private let connection: Connection

    /// The runs seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Lets this session be the one that runs, until `leave` or its end.
    ///
    /// - Returns: whether no other does.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func enter() throws(StoreError) -> Bool {
        try flag(Self.enterStatement)
    }

    /// Lets others run.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func leave() throws(StoreError) {
        _ = try flag(Self.leaveStatement)
    }

    /// Bounds how long a statement of this transaction waits for a lock, for others wait behind it; and lets it run for as
    /// long as it takes.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func limitWaiting() throws(StoreError) {
        try script("SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = 0")
    }

    /// Takes back what a run has left that broke off: bounds of tables, and tables that never became part of a lineage.
    ///
    /// - Returns: how many things.
    /// - Throws: `.database`.
    /// - Complexity: two round trips, and one for each thing.
    @discardableResult
    public func clean() throws(StoreError) -> Int {
        let gates = try connection.rows(Self.gatesStatement) { row throws(PostgresError) in try row.text(0) }
        for table in gates { try script("ALTER TABLE \(table) DROP CONSTRAINT IF EXISTS \(table)_gate") }
        let orphans = try connection.rows(Self.orphansStatement) { row throws(PostgresError) in try row.text(0) }
        for table in orphans { try script("DROP TABLE IF EXISTS \(table)") }
        return gates.count + orphans.count
    }

    /// Waits a moment.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func pause() throws(StoreError) {
        try connection.run(Self.pauseStatement)
    }

    /// The number of this transaction, and of the oldest that may still run.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func transaction() throws(StoreError) -> (own: String, oldest: String) {
        let found = try connection.row(Self.transactionStatement) { row throws(PostgresError) in
            (own: try row.text(0), oldest: try row.text(1))
        }
        guard let found else { throw .corrupt("a transaction has no number") }
        return found
    }

    /// Whether some session may still read as of a moment at which what a transaction has written could not be seen.
    ///
    /// A table that takes the place of another has the same rows, but not for somebody who reads as of before they were
    /// written: he would find it empty.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(sessions).
    public func isAnyoneBehind(_ transaction: String) throws(StoreError) -> Bool {
        try connection.row(Self.behindStatement, [.text(transaction)]) { row throws(PostgresError) in try row.bool(0) }
            ?? false
    }

    /// Up to where superseded versions of features may be missing; a feature that misses none is absent.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func horizons(of features: [FeatureID]) throws(StoreError) -> [FeatureID: LineageHorizon] {
        let found = try connection.rows(Self.horizonsStatement, [.int4Array(features)]) { row throws(PostgresError) in
            (try row.int4(0), LineageHorizon(at: try row.timestamp(1), entry: try row.int8(2)))
        }
        return Dictionary(found) { first, _ in first }
    }

    /// Moves the horizon of features on; it never goes back.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func raise(_ features: [FeatureID], to horizon: LineageHorizon) throws(StoreError) {
        try connection.run(
            Self.raiseStatement, [.int4Array(features), .timestamp(horizon.at), .int8(horizon.entry)])
    }

    private func flag(_ statement: Statement) throws(StoreError) -> Bool {
        try connection.row(statement) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    private func script(_ sql: String) throws(StoreError) {
        do { try connection.script(sql) } catch { throw StoreError(error) }
    }

    private static let enterStatement = Statement("retention_enter", "SELECT pg_try_advisory_lock(1297373275)")
    private static let leaveStatement = Statement("retention_leave", "SELECT pg_advisory_unlock(1297373275)")
    private static let pauseStatement = Statement("retention_pause", "SELECT pg_sleep(0.05)")

    private static let gatesStatement = Statement(
        "retention_gates",
        """
        SELECT c.conrelid::regclass::text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
        WHERE t.relnamespace = quote_ident(current_schema())::regnamespace AND t.relispartition
            AND t.relname ~ '^lineage_[0-9]+_[0-9]+$' AND c.conname = t.relname || '_gate'
        """)

    private static let orphansStatement = Statement(
        "retention_orphans",
        """
        SELECT oid::regclass::text FROM pg_class
        WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'r' AND NOT relispartition
            AND relname ~ '^lineage_[0-9]+_[0-9]+$'
        """)

    private static let transactionStatement = Statement(
        "retention_transaction",
        "SELECT pg_current_xact_id()::text, pg_snapshot_xmin(pg_current_snapshot())::text")

    private static let behindStatement = Statement(
        "retention_behind",
        """
        SELECT EXISTS (
            SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                AND age(backend_xmin) >= age($1::text::xid8::xid))
        """)

    private static let horizonsStatement = Statement(
        "retention_horizons", "SELECT feature_id, at, entry FROM lineage_horizon WHERE feature_id = ANY ($1::integer[])"
    )

    private static let raiseStatement = Statement(
        "retention_raise",
        """
        INSERT INTO lineage_horizon AS h (feature_id, at, entry) SELECT f, $2, $3 FROM unnest($1::integer[]) AS f
        ON CONFLICT (feature_id) DO UPDATE
        SET at = greatest(h.at, excluded.at), entry = greatest(h.entry, excluded.entry)
        """)
}
