// How busy a service is, and whether it can work.

import Postgres
import Store

/// What a process is doing at one moment.
public struct ServiceLoad: Sendable, Hashable {
    /// The pool of database connections.
    public struct Pool: Sendable, Hashable {
        /// Connections that may be open, that are open, and that work for a caller.
        public let size: Int, open: Int, inUse: Int
        /// Callers that wait for a connection.
        public let waiting: Int
        /// Callers that were given a connection, connections opened, and callers whose deadline passed, since the start.
        public let acquiredTotal: UInt64, connectsTotal: UInt64, timeoutsTotal: UInt64
        /// How long callers have waited, in sum since the start.
        public let waitSeconds: Double
    }

    /// The pool.
    public let pool: Pool
    /// Claim requests that wait for work.
    public let waitingClaims: Int
}

/// One thing that a server needs in order to work.
public struct ReadinessCheck: Sendable, Hashable {
    /// What.
    public let name: String
    /// Why it is not given, for people; nil where it is.
    public let fault: String?
}

extension Metaxy {
    /// What this process is doing.
    public var load: ServiceLoad {
        let statistics = pool.statistics
        let wait = statistics.waitTotal.components
        return ServiceLoad(
            pool: ServiceLoad.Pool(
                size: statistics.size, open: statistics.open, inUse: statistics.inUse, waiting: statistics.waiting,
                acquiredTotal: statistics.acquiredTotal, connectsTotal: statistics.connectsTotal,
                timeoutsTotal: statistics.timeoutsTotal,
                waitSeconds: Double(wait.seconds) + Double(wait.attoseconds) / 1e18),
            waitingClaims: waiters.count)
    }

    /// Whether this process can serve: it is not stopping, reaches the database, and knows its schema.
    ///
    /// - Complexity: one round trip.
    public func readiness() async -> [ReadinessCheck] {
        let stopping = ReadinessCheck(name: "accepting", fault: isDraining ? "the server is stopping" : nil)
        do throws(ServiceError) {
            let applied = try await schemaVersion()
            let isCurrent = applied == Migrator.newest
            return [
                stopping, ReadinessCheck(name: "database", fault: nil),
                ReadinessCheck(
                    name: "schema",
                    fault: isCurrent ? nil : "the database has schema \(applied), the server needs \(Migrator.newest)"),
            ]
        } catch {
            return [stopping, Self.check(error)]
        }
    }

    private func schemaVersion() async throws(ServiceError) -> Int {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in try Migrator(connection).check() }
        }
    }

    private static func check(_ error: ServiceError) -> ReadinessCheck {
        if case .internal = error { return ReadinessCheck(name: "schema", fault: "the schema is not the server's") }
        return ReadinessCheck(name: "database", fault: "the database cannot be reached")
    }
}
