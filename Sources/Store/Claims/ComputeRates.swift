// Reads how long the units of a feature take to compute.

public import Feature
public import Postgres

/// Reads the seconds that workers report when they complete units.
public struct ComputeRates {
    /// Claims over which the average goes: enough that one odd batch does not decide, few enough that it follows a new
    /// model or another GPU within minutes.
    private static let claimsMax = 32

    private let connection: Connection

    /// The reports seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Seconds a unit, averaged over the last claims of each feature for which seconds were reported.
    ///
    /// - Returns: by feature; a feature without reports is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; at most 32 claims a feature by `claim_timed_index`.
    public func read(_ features: [FeatureID]) throws(StoreError) -> [FeatureID: Double] {
        let paces = try connection.rows(
            .named("pace_read"), [.int4Array(features), .int8(Int64(Self.claimsMax))]
        ) { row throws(PostgresError) in (try row.int4(0), try row.double(1)) }
        return Dictionary(paces) { first, _ in first }
    }
}
