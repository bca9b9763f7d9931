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
        try flag(.named("retention_enter"))
    }

    /// Lets others run.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func leave() throws(StoreError) {
        _ = try flag(.named("retention_leave"))
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
        let gates = try connection.rows(.named("retention_gates")) { row throws(PostgresError) in try row.text(0) }
        for table in gates { try script("ALTER TABLE \(table) DROP CONSTRAINT IF EXISTS \(table)_gate") }
        let orphans = try connection.rows(.named("retention_orphans")) { row throws(PostgresError) in try row.text(0) }
        for table in orphans { try script("DROP TABLE IF EXISTS \(table)") }
        return gates.count + orphans.count
    }

    /// Waits a moment.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func pause() throws(StoreError) {
        try connection.run(.named("retention_pause"))
    }

    /// The number of this transaction, and of the oldest that may still run.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func transaction() throws(StoreError) -> (own: String, oldest: String) {
        let found = try connection.row(.named("retention_transaction")) { row throws(PostgresError) in
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
        try connection.row(.named("retention_behind"), [.text(transaction)]) { row throws(PostgresError) in
            try row.bool(0)
        }
            ?? false
    }

    /// Up to where superseded versions of features may be missing; a feature that misses none is absent.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func horizons(of features: [FeatureID]) throws(StoreError) -> [FeatureID: LineageHorizon] {
        let found = try connection.rows(.named("retention_horizons"), [.int4Array(features)]) {
            row throws(PostgresError) in
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
            .named("retention_raise"), [.int4Array(features), .timestamp(horizon.at), .int8(horizon.entry)])
    }

    private func flag(_ statement: Statement) throws(StoreError) -> Bool {
        try connection.row(statement) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    private func script(_ sql: String) throws(StoreError) {
        do { try connection.script(sql) } catch { throw StoreError(error) }
    }
}
