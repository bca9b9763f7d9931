// The configuration of a connection pool: server, size, time limits and observers.

import Base

/// Settings of a pool; times are upper bounds.
public struct PoolConfiguration: Sendable {
    /// libpq's connection string: `key=value` pairs or a `postgresql://` URI.
    public var connectionString: String
    /// The most connections that are open at a time. They are opened when they are needed.
    public var size: Int
    /// How long a caller waits for a connection before `.poolExhausted`.
    public var waitDeadline: Duration = .seconds(10)
    /// The most callers that wait at a time; a further caller gets `.poolExhausted` at once.
    public var waitersMax: Int = 10_000
    /// The time limit of opening a connection, in whole seconds from 2 on.
    public var connectTimeout: Duration = .seconds(5)
    /// How long one statement may run before the server cancels it with `57014`; nil: no limit.
    public var statementTimeout: Duration? = .seconds(60)
    /// How long a transaction may sit between two statements before the server ends its session; nil: no limit.
    public var idleInTransactionTimeout: Duration? = .seconds(60)
    /// The name that `pg_stat_activity` shows, unless the connection string has one.
    public var applicationName: String = "metaxy"
    /// Whether statements are prepared once per connection and kept.
    ///
    /// Set to false behind a pooler that gives each transaction another server connection without tracking prepared
    /// statements (pgbouncer before 1.21 in transaction mode). No session state is used then: SET LOCAL makes the
    /// session's settings, which apply inside `Pool.transaction` only.
    public var preparedStatements: Bool = true
    /// The most prepared statements of a connection; the least recently used one is dropped first.
    public var preparedStatementsMax: Int = 256
    /// A number in 0..<1, for the jitter of delays.
    public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }
    /// The duration from which a statement is reported to `observe` as slow; nil to report none.
    public var slowStatement: Duration?
    /// Returns the name of the caller for reports of slow statements, nil if it has none. Called on the task that asks
    /// for a connection, if slow statements are reported.
    public var caller: @Sendable () -> String? = { nil }
    /// Receives the events of the pool's connections. Called on their threads; must not block.
    public var observe: @Sendable (PostgresEvent) -> Void = { _ in }

    /// Settings with the default limits.
    public init(connectionString: String, size: Int = 8) {
        precondition(size > 0, "a pool has at least one connection")
        self.connectionString = connectionString
        self.size = size
    }

    /// The server's settings of each session: the limits of statements and transactions in milliseconds, and one
    /// process for each statement.
    ///
    /// A pool has concurrency of its own. For statements of some milliseconds, parallel workers cost more than they
    /// save, and the planner prefers parallel plans to better ones: docs/decisions/0011.
    var sessionSettings: [(String, Int64)] {
        [("statement_timeout", statementTimeout), ("idle_in_transaction_session_timeout", idleInTransactionTimeout)]
            .compactMap { name, limit in limit.map { (name, $0.wholeMilliseconds) } }
            + [("max_parallel_workers_per_gather", 0)]
    }
}

/// An event of a connection of a pool or a listener.
public enum PostgresEvent: Sendable, Hashable {
    /// The server sent a NOTICE or WARNING.
    case notice(severity: String, message: String)
    /// A connection was opened.
    case connected
    /// A connection could not be opened. The next attempt follows after `retryIn` or later.
    case connectFailed(PostgresError, retryIn: Duration)
    /// A connection broke.
    case connectionLost
    /// Statements that ran together, or the end of a transaction, took long. The event has the names of the statements,
    /// but not their values. `caller` is the caller that the connection worked for.
    case slowStatements(names: [String], duration: Duration, caller: String?)
    /// A transaction is run again after a serialisation failure or deadlock; `attempt` counts from 2.
    case transactionRetried(SQLState, attempt: Int)
}
