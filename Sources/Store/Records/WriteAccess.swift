// The right to write records of a feature, and the lock that keeps the writers of a root apart.

public import Feature
public import Postgres

/// The right to write the records of one feature until the end of a transaction.
///
/// Versions, heads and presence are written through a value of this type alone, and `enter` is the only way to one. So nobody
/// writes to a root without its lock.
public struct WriteAccess: Sendable {
    /// The feature.
    public let feature: FeatureID
    /// Whether no other transaction writes to the feature meanwhile.
    public let isAlone: Bool

    init(feature: FeatureID, isAlone: Bool = false) {
        self.feature = feature
        self.isAlone = isAlone
    }

    /// Enters a feature for writing.
    ///
    /// A long write cannot lock the blocks of its records in the one order, so it is alone on its root. All other writers
    /// share the root. The writers of a derived feature lock its blocks and need nothing else.
    ///
    /// - Parameters:
    ///   - plan: the plan of the feature.
    ///   - isAlone: whether the transaction is a long write.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own. The next statement waits for a long write.
    public static func enter(
        _ plan: FeaturePlan, isAlone: Bool = false, _ connection: Connection
    ) throws(StoreError) -> WriteAccess {
        if plan.isRoot {
            try connection.runLater(isAlone ? aloneStatement : sharedStatement, [.int4(plan.id)])
        }
        return WriteAccess(feature: plan.id, isAlone: isAlone)
    }

    /// The first number keeps these locks apart from other advisory locks.
    private static let aloneStatement = Statement(
        "root_enter_alone", "SELECT pg_advisory_xact_lock(1297373274, $1)")

    private static let sharedStatement = Statement(
        "root_enter_shared", "SELECT pg_advisory_xact_lock_shared(1297373274, $1)")
}
