// Reads pending work without locks.

public import Feature
public import Postgres

/// How many units of a feature are pending.
public struct WorkCounts: Sendable, Hashable {
    /// The feature.
    public let feature: FeatureID
    /// Units that are dirty and not leased.
    public let ready: Int
    /// Leased units.
    public let leased: Int
    /// Parked.
    public let parked: Int
    /// Units among these that do not exist yet.
    public let absent: Int
    /// The time since which a unit is ready, in microseconds since 1970. Nil where none is.
    public let oldest: Int64?
}

/// Reads pending work and locks nothing. The answer may be old when it is used.
public struct WorkOutlook {
    private let connection: Connection

    /// Pending work seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// The features that have ready units, or failed units that are due.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each feature.
    public func withWork(among features: [FeatureID]) throws(StoreError) -> [FeatureID] {
        try connection.rows(.named("work_with_work"), [.int4Array(features)]) { row throws(PostgresError) in
            try row.int4(0)
        }
    }

    /// Whether the feature has ready blocks after `position` other than `seen`. Another transaction holds them.
    ///
    /// - Parameter seen: the blocks that this transaction has locked itself.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(seen).
    public func isContended(
        _ feature: FeatureID, after position: ReadyBlock?, but seen: [Int32]
    ) throws(StoreError) -> Bool {
        try connection.rows(
            .named("work_is_contended"),
            [
                .int4(feature), .timestamp(position?.since ?? .min), .int4(position?.address.block ?? -1),
                .int4Array(seen),
            ]
        ) { row throws(PostgresError) in try row.bool(0) }.first ?? false
    }

    /// The number of pending units of each feature, by state.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; a row for each 1,024 units with something to do.
    public func counts() throws(StoreError) -> [WorkCounts] {
        var counts: [WorkCounts] = []
        do {
            let rows = try connection.read(.named("work_counts"), [])
            for row in rows {
                counts.append(
                    WorkCounts(
                        feature: try row.int4(0), ready: Int(try row.int8(1)),
                        leased: Int(try row.int8(2)), parked: Int(try row.int8(3)), absent: Int(try row.int8(5)),
                        oldest: try row.timestampOrNil(4)))
            }
        } catch {
            throw StoreError(error)
        }
        return counts
    }
}
