// The load of a process, and whether it is ready to serve.

import Postgres
import Store

/// The load of a process at one moment.
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
    /// Claim requests that were woken because there may be work, since the start.
    public let wakeUpsTotal: UInt64
    /// Requests that wait for changes.
    public let waitingReaders: Int
}

/// A condition that a server needs in order to work.
public struct ReadinessCheck: Sendable, Hashable {
    /// The name of the condition.
    public let name: String
    /// Why it does not hold, for people; nil where it holds.
    public let fault: String?
    /// A remark for people; nil for none.
    public let note: String?

    init(_ name: String, fault: String? = nil, note: String? = nil) {
        self.name = name
        self.fault = fault
        self.note = note
    }
}

extension OperationService {
    /// The load of this process.
    public var load: ServiceLoad {
        let statistics = transactions.pool.statistics
        let wait = statistics.waitTotal.components
        return ServiceLoad(
            pool: ServiceLoad.Pool(
                size: statistics.size, open: statistics.open, inUse: statistics.inUse, waiting: statistics.waiting,
                acquiredTotal: statistics.acquiredTotal, connectsTotal: statistics.connectsTotal,
                timeoutsTotal: statistics.timeoutsTotal,
                waitSeconds: Double(wait.seconds) + Double(wait.attoseconds) / 1e18),
            waitingClaims: waiters.count, wakeUpsTotal: waiters.wakeUpsTotal, waitingReaders: readers.count)
    }

    /// Checks whether this process can serve: it is not stopping, reaches a database that takes writes, and knows the schema.
    ///
    /// - Complexity: two round trips; returns within `TransactionLimits.readinessPatience`.
    public func readiness() async -> [ReadinessCheck] {
        let stopping = ReadinessCheck("accepting", fault: draining.isOn ? "the server is stopping" : nil)
        let found = await within(TransactionLimits.readinessPatience) { [self] () -> [ReadinessCheck] in
            do throws(ServiceError) {
                let (applied, database) = try await databaseState()
                return Self.checks(applied, database)
            } catch {
                return [Self.check(error)]
            }
        }
        return [stopping] + (found ?? [ReadinessCheck("database", fault: "the database does not answer in time")])
    }

    private func databaseState() async throws(ServiceError) -> (schema: Int, database: DatabaseState) {
        try await transactions.pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                (try Migrator(connection).check(), try DatabaseFigures(connection).state())
            }
        }
    }

    private static func checks(_ applied: Int, _ database: DatabaseState) -> [ReadinessCheck] {
        let isCurrent = applied == Migrator.newest
        let standby = database.isStandby ? "the database is a standby, which takes no writes" : nil
        var checks = [
            ReadinessCheck("database", fault: standby),
            ReadinessCheck(
                "schema",
                fault: isCurrent ? nil : "the database has schema \(applied), the server needs \(Migrator.newest)",
                note: "\(applied)"),
        ]
        if database.standbys > 0 {
            let lag = database.lagBytes.map { "at most \($0) bytes behind" } ?? "the role may not see how far behind"
            checks.append(ReadinessCheck("replication", note: "standbys: \(database.standbys), \(lag)"))
        }
        return checks
    }

    private static func check(_ error: ServiceError) -> ReadinessCheck {
        if case .internal = error { return ReadinessCheck("schema", fault: "the schema is not the server's") }
        return ReadinessCheck("database", fault: "the database cannot be reached")
    }
}
