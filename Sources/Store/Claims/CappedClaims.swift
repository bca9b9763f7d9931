// How many claims are active where their number is capped.

public import Feature
public import Postgres

/// How many claims are active.
public struct ActiveClaims: Hashable, Sendable {
    /// On the feature that was asked for.
    public let feature: Int
    /// On all the features that were asked for.
    public let all: Int
}

/// Counts active claims, so that no more are made than may be.
///
/// The rows of the settings stand for the places: whoever makes a claim under a cap holds them from before it counts until
/// it commits. They are locked before any block is, the project's first; who completes a claim locks none of them.
public struct CappedClaims {
    private let connection: Connection

    /// The claims seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Keeps others from making claims in a project until the end of the transaction.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lock(project: Int32) throws(StoreError) {
        try connection.run(.named("claim_place_lock_project"), [.int4(project)])
    }

    /// Keeps others from making claims on a feature that has settings until the end of the transaction.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lock(feature: FeatureID) throws(StoreError) {
        try connection.run(.named("claim_place_lock_feature"), [.int4(feature)])
    }

    /// Counts active claims.
    ///
    /// - Parameters:
    ///   - features: `feature` and those that share a cap with it.
    ///   - isHeldOnly: whether to leave out those whose lease has run out, which are about to be taken back.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(active claims on `features`) by `claim_active_index`.
    public func count(
        _ feature: FeatureID, among features: [FeatureID], isHeldOnly: Bool
    ) throws(StoreError) -> ActiveClaims {
        let counts = try connection.row(
            .named("claim_place_count"), [.int4(feature), .int4Array(features), .bool(isHeldOnly)]
        ) { row throws(PostgresError) in
            ActiveClaims(feature: Int(try row.int8(0)), all: Int(try row.int8(1)))
        }
        guard let counts else { throw .corrupt("claims were not counted") }
        return counts
    }
}
