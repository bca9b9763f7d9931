// Who writes to a root at a time.

public import Feature
public import Postgres

/// Keeps the writers of a root apart.
public struct RootLock {
    private let connection: Connection
    private let feature: FeatureID

    /// The root `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Lets this transaction write records of the root in any order, or keeps others from doing so.
    ///
    /// A write of many parts cannot take the locks of its records in one order, so it is alone; all others, also those
    /// that delete and restore, share.
    ///
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own: the next statement waits for a write of many parts.
    public func enter(isAlone: Bool) throws(StoreError) {
        try connection.runLater(isAlone ? Self.aloneStatement : Self.sharedStatement, [.int4(feature)])
    }

    /// The first number keeps these locks apart from others.
    private static let aloneStatement = Statement(
        "root_enter_alone", "SELECT pg_advisory_xact_lock(1297373274, $1)")

    private static let sharedStatement = Statement(
        "root_enter_shared", "SELECT pg_advisory_xact_lock_shared(1297373274, $1)")
}
