// Counts of the units of each feature by outcome: failing, quarantined, finished of late.

public import Feature
public import Postgres

/// Counts of a feature's units by outcome.
public struct OutcomeCounts: Sendable, Hashable {
    /// The feature.
    public let feature: FeatureID
    /// Units put aside after a failure that will be tried again, and units that will not.
    public var failing = 0, quarantined = 0
    /// Units that workers have finished within `OutcomeQueries.windowSeconds`.
    public var finished = 0

    /// Nothing going on.
    public init(feature: FeatureID) {
        self.feature = feature
    }
}

/// Reads the counts of units by outcome.
public struct OutcomeQueries {
    /// How far back finished work is counted, in seconds: a rate over a few batches of slow work.
    public static let windowSeconds = 600

    /// Claims looked at for the rate: this bounds its cost where claims are small and many.
    private static let claimsMax = 10_000

    private let connection: Connection

    /// What is going on as seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// What is going on, by feature; one where nothing is, is absent.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips; O(failures), and O(1) in the number of claims.
    public func read() throws(StoreError) -> [FeatureID: OutcomeCounts] {
        var activities = try failures()
        let parameters: [Parameter] = [.int8(Int64(Self.claimsMax)), .double(Double(Self.windowSeconds))]
        let finished = try connection.rows(.named("activity_finished"), parameters) { row throws(PostgresError) in
            (try row.int4(0), Int(try row.int8(1)))
        }
        for (feature, count) in finished {
            activities[feature, default: OutcomeCounts(feature: feature)].finished = count
        }
        return activities
    }

    /// The units put aside after a failure, by feature, with nothing else of their activity.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(failures).
    public func failures() throws(StoreError) -> [FeatureID: OutcomeCounts] {
        let counts = try connection.rows(.named("activity_failures")) { row throws(PostgresError) in
            (try row.int4(0), Int(try row.int8(1)), Int(try row.int8(2)))
        }
        var activities: [FeatureID: OutcomeCounts] = [:]
        for (feature, failing, quarantined) in counts {
            var activity = OutcomeCounts(feature: feature)
            activity.failing = failing
            activity.quarantined = quarantined
            activities[feature] = activity
        }
        return activities
    }

    /// The database's clock: microseconds since 1970.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func now() throws(StoreError) -> Int64 {
        try connection.row(.named("activity_now")) { row throws(PostgresError) in try row.timestamp(0) } ?? 0
    }
}
