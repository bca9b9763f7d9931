// Reads the log of changes: the feed, in the order in which changes become visible, and the audit, newest first.

public import Feature
import Postgres

/// A change as it was noted.
public struct StoredChange: Hashable, Sendable {
    /// Where it stands in the feed, before `id`.
    public let position: Int64
    /// Its number.
    public let id: Int64
    /// When: microseconds since 1970.
    public let at: Int64
    /// What it was.
    public let kind: String
    /// The feature, or the one that holds its units.
    public let feature: FeatureID?
    /// The project, where it is about no feature.
    public let project: Int32?
    /// The claim.
    public let claim: Int64?
    /// Who is behind it.
    public let writer: Writer
    /// What it amounted to, a JSON object.
    public let detail: [UInt8]?
}

/// A place between two changes of the feed.
public struct FeedPosition: Hashable, Sendable, Comparable {
    /// The position of the change before.
    public let position: Int64
    /// Its number.
    public let id: Int64

    /// After the change `id` at `position`.
    public init(position: Int64, id: Int64) {
        self.position = position
        self.id = id
    }

    /// Whether one place comes before another.
    public static func < (left: FeedPosition, right: FeedPosition) -> Bool {
        (left.position, left.id) < (right.position, right.id)
    }
}

/// The part of the log that the feed returns at a moment.
public struct FeedExtent: Sendable {
    /// The last change that the feed no longer returns.
    public let horizon: FeedPosition
    /// The time of that change, in microseconds since 1970. Nil where the feed returns all changes.
    public let horizonTime: Int64?
    /// The last change that the feed returns.
    public let last: FeedPosition
    /// The position of the oldest transaction that may still run. The feed does not return changes from there on yet.
    public let bound: Int64
}

extension ChangeLog {
    /// The part of the log that the feed returns now.
    ///
    /// Both ends are changes, and no numbers of transactions: where the database is restored from a dump, it has the
    /// change that a reader has come to, but not the transactions of its cluster.
    ///
    /// - Throws: `.database`; `.corrupt` where the horizon is missing.
    /// - Complexity: one round trip; two index lookups.
    public func extent() throws(StoreError) -> FeedExtent {
        let found = try connection.row(.named("change_extent")) { row throws(PostgresError) in
            let horizon = FeedPosition(position: try row.int8(0), id: try row.int8(1))
            let last = FeedPosition(position: try row.int8(3), id: try row.int8(4))
            return FeedExtent(
                horizon: horizon, horizonTime: try row.timestampOrNil(2), last: max(horizon, last),
                bound: try row.int8(5))
        }
        guard let found else { throw .corrupt("the feed has no horizon") }
        return found
    }

    /// Changes after a place whose transactions have ended, in the order of the feed.
    ///
    /// - Parameters:
    ///   - bound: from `extent`.
    ///   - features: with `projects`, the only ones whose changes are wanted; nil for all.
    ///   - hidden: kinds that are not wanted.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(changes looked at).
    public func changes(
        after: FeedPosition, before bound: Int64, features: [FeatureID]?, projects: [Int32]?,
        hiding hidden: [ChangeKind], limit: Int
    ) throws(StoreError) -> [StoredChange] {
        try connection.rows(
            .named("change_feed"),
            [
                .int8(after.position), .int8(after.id), .int8(bound),
                features.map { .int4Array($0) } ?? .null, projects.map { .int4Array($0) } ?? .null,
                .textArray(hidden.map(\.rawValue)), .int8(Int64(limit)),
            ], Self.decode)
    }

    /// Changes before a number, newest first.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func newest(before id: Int64, limit: Int) throws(StoreError) -> [StoredChange] {
        try connection.rows(.named("change_newest"), [.int8(id), .int8(Int64(limit))], Self.decode)
    }

    /// Lets positions go on growing in a database that was restored from a dump, in which transaction ids begin anew.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func align() throws(StoreError) {
        try connection.run(.named("change_align"))
    }

    private static func decode(_ row: Row) throws(PostgresError) -> StoredChange {
        StoredChange(
            position: try row.int8(0), id: try row.int8(1), at: try row.timestamp(2), kind: try row.text(3),
            feature: try row.int4OrNil(4), project: try row.int4OrNil(5), claim: try row.int8OrNil(6),
            writer: Writer(
                worker: try row.textOrNil(7), materialization: try row.textOrNil(8), token: try row.textOrNil(9),
                request: try row.textOrNil(10)),
            detail: try row.jsonbOrNil(11))
    }
}
