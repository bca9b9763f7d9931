// Which features have work under way, so that somebody says when one has nothing left.

public import Feature
public import Postgres

/// The watch over features that are being worked on. One process at a time looks.
public struct FinishedFeatures {
    private let connection: Connection

    /// The watch seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Takes the watch until the end of the transaction.
    ///
    /// - Returns: false where another process has it.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func enter() throws(StoreError) -> Bool {
        try connection.row(Self.enterStatement) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    /// Up to where the log was looked through, and the features that had work under way then.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func state() throws(StoreError) -> (seen: FeedPosition, features: [FeatureID]) {
        let found = try connection.row(Self.stateStatement) { row throws(PostgresError) in
            (FeedPosition(position: try row.int8(0), id: try row.int8(1)), try row.int4Array(2))
        }
        guard let found else { throw .corrupt("the watch over drained features has no row") }
        return (seen: found.0, features: found.1)
    }

    /// Those of `features` in which a unit is dirty or leased.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(blocks with something to do).
    public func busy(among features: [FeatureID]) throws(StoreError) -> [FeatureID] {
        try connection.rows(Self.busyStatement, [.int4Array(features)]) { row throws(PostgresError) in
            try row.int4(0)
        }
    }

    /// Remembers up to where the log was looked through, and which features have work under way.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func keep(seen: FeedPosition, features: [FeatureID]) throws(StoreError) {
        try connection.run(Self.seenStatement, [.int8(seen.position), .int8(seen.id)])
        try connection.run(Self.keepStatement, [.int4Array(features)])
    }

    /// Any constant will do; it spells DRAN.
    private static let enterStatement = Statement("drain_enter", "SELECT pg_try_advisory_xact_lock(1146241358)")

    private static let stateStatement = Statement(
        "drain_state",
        """
        SELECT w.position, w.operation_id, ARRAY(SELECT feature_id FROM draining ORDER BY feature_id)
        FROM drain_watch w
        """)

    private static let busyStatement = Statement(
        "drain_busy",
        """
        SELECT u.feature_id FROM unnest($1::integer[]) AS u (feature_id)
        WHERE EXISTS (
            SELECT FROM work w WHERE w.feature_id = u.feature_id AND w.active AND bit_count(w.dirty | w.leased) > 0)
        """)

    private static let seenStatement = Statement(
        "drain_seen", "UPDATE drain_watch SET position = $1, operation_id = $2")

    private static let keepStatement = Statement(
        "drain_keep",
        """
        WITH gone AS (DELETE FROM draining WHERE feature_id <> ALL ($1::integer[]))
        INSERT INTO draining (feature_id) SELECT unnest($1::integer[]) ON CONFLICT DO NOTHING
        """)
}
