// Counts active claims where their number is capped.

public import Feature
public import Postgres

/// Numbers of active claims.
public struct ActiveClaims: Hashable, Sendable {
    /// Claims on the given feature.
    public let feature: Int
    /// Claims on all the given features.
    public let all: Int
}

/// Counts active claims under a cap.
///
/// A transaction that makes a claim under a cap locks the row of the project, then the row of the feature's settings,
/// before it counts and before it locks any block. Claims under one cap are thereby made one after the other. A transaction
/// that completes a claim locks neither row.
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
