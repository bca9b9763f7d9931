// The horizon of the feed: the feed no longer returns the changes behind it, and they may be deleted.

public import Postgres

/// Moves the horizon and deletes changes behind it. One process at a time does so.
///
/// A row is deleted in the transaction that moves the horizon past it, or in a later one. A trigger refuses every other
/// delete. A reader therefore finds a row, or a horizon behind it.
public struct ChangeHorizon {
    private let connection: Connection

    /// The horizon seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Takes the horizon until the end of the transaction.
    ///
    /// - Returns: where it is; nil where another process has it.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func enter() throws(StoreError) -> FeedPosition? {
        try connection.row(.named("horizon_enter")) { row throws(PostgresError) in
            FeedPosition(position: try row.int8(0), id: try row.int8(1))
        }
    }

    /// The moment some time ago, in microseconds since 1970, by the clock of the database.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func moment(secondsAgo seconds: Double) throws(StoreError) -> Int64 {
        let moment = try connection.row(.named("horizon_moment"), [.double(seconds)]) { row throws(PostgresError) in
            try row.timestamp(0)
        }
        guard let moment else { throw .corrupt("the database has no clock") }
        return moment
    }

    /// The changes after a place whose transactions have ended, in the order of the feed, and when each was made:
    /// microseconds since 1970.
    ///
    /// - Parameter bound: of the feed's extent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func changes(
        after: FeedPosition, before bound: Int64, limit: Int
    ) throws(StoreError) -> [(place: FeedPosition, at: Int64)] {
        let parameters: [Parameter] = [.int8(after.position), .int8(after.id), .int8(bound), .int8(Int64(limit))]
        return try connection.rows(.named("horizon_changes"), parameters) { row throws(PostgresError) in
            (FeedPosition(position: try row.int8(0), id: try row.int8(1)), try row.timestamp(2))
        }
    }

    /// Moves the horizon on to a change, made at a time in microseconds since 1970, and forgets those up to there that
    /// leave nothing behind.
    ///
    /// - Parameter from: where it is.
    /// - Returns: how many changes were forgotten.
    /// - Throws: `.database`.
    /// - Complexity: two round trips; O(changes between).
    public func move(from: FeedPosition, to place: FeedPosition, at: Int64) throws(StoreError) -> Int {
        try connection.run(.named("horizon_move"), [.int8(place.position), .int8(place.id), .timestamp(at)])
        return try connection.run(
            .named("horizon_forget"), [.int8(from.position), .int8(from.id), .int8(place.position), .int8(place.id)])
    }
}
