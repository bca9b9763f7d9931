// What can be said of pending work without locking it.

public import Feature
public import Postgres

/// How many units of a feature are pending.
public struct WorkCounts: Sendable, Hashable {
    /// The feature.
    public let feature: FeatureID
    /// Dirty and not leased.
    public let ready: Int
    /// In the hands of workers.
    public let leased: Int
    /// Parked.
    public let parked: Int
    /// Of all these, the units that do not exist yet.
    public let absent: Int
    /// Since when something could be handed out: microseconds since 1970; nil where nothing can.
    public let oldest: Int64?
}

/// Questions about pending work that lock nothing: the answer may be old by the time that it is used.
public struct WorkOutlook {
    private let connection: Connection

    /// Pending work seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Those of the features that have something to hand out, or failing units whose time has come.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each feature.
    public func withWork(among features: [FeatureID]) throws(StoreError) -> [FeatureID] {
        try connection.rows(.named("work_with_work"), [.int4Array(features)]) { row throws(PostgresError) in
            try row.int4(0)
        }
    }

    /// Whether blocks of the feature from `position` on have something to hand out, others than these: somebody else
    /// holds them.
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

    /// What is pending for each feature.
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
