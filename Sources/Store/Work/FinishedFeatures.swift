// Features that have work under way, watched so that the log notes when one has nothing left.

public import Feature
public import Postgres

/// The watch over features with work under way. One process at a time watches.
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
        try connection.row(.named("drain_enter")) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    /// The last change that was looked at, and the features that had work under way then.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func state() throws(StoreError) -> (seen: FeedPosition, features: [FeatureID]) {
        let found = try connection.row(.named("drain_state")) { row throws(PostgresError) in
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
        try connection.rows(.named("drain_busy"), [.int4Array(features)]) { row throws(PostgresError) in
            try row.int4(0)
        }
    }

    /// Stores the last change that was looked at, and the features that have work under way.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func keep(seen: FeedPosition, features: [FeatureID]) throws(StoreError) {
        try connection.run(.named("drain_seen"), [.int8(seen.position), .int8(seen.id)])
        try connection.run(.named("drain_keep"), [.int4Array(features)])
    }
}
