// Runs a closure in a transaction, and again after a serialization failure or a deadlock.

/// The isolation level: which commits of other transactions a running transaction sees.
public enum Isolation: String, Sendable, Hashable {
    /// Each statement sees the commits before its own start.
    case readCommitted = "READ COMMITTED"
    /// Every statement sees the commits before the first statement. A write that conflicts fails with `40001`.
    case repeatableRead = "REPEATABLE READ"
    /// Transactions have the effect of running one after another, or fail with `40001`.
    case serializable = "SERIALIZABLE"

    func begin(readOnly: Bool) -> String {
        "BEGIN ISOLATION LEVEL \(rawValue)\(readOnly ? " READ ONLY" : "")"
    }
}

extension Pool {
    /// The delay between two attempts of a transaction. Conflicts resolve within the duration of a transaction.
    private static let backoff = Backoff(first: .milliseconds(5), most: .milliseconds(500))

    /// Runs `body` in a transaction: all of its statements take effect, or none if it throws.
    ///
    /// BEGIN is sent with the first statement, so that the transaction costs one round trip more than its statements.
    /// After `40001` or `40P01` the whole of `body` runs again, up to `retries` times, after a short random delay
    /// without a connection. So `body` must not do anything that cannot be repeated.
    /// - Throws: errors of `body`, and an `E` made from any failure of `withConnection`, of BEGIN and of COMMIT:
    ///   `.commitUnknown` if the connection broke during COMMIT.
    public func transaction<T: Sendable, E: PostgresErrorConvertible>(
        isolation: Isolation = .readCommitted, readOnly: Bool = false, retries: Int = 5,
        _ body: @escaping @Sendable (Connection) throws(E) -> T
    ) async throws(E) -> T {
        let begin = isolation.begin(readOnly: readOnly)
        var attempt = 1
        while true {
            let outcome: TransactionOutcome<T, E> = try await withConnection { (connection) throws(E) in
                connection.transact(begin, body)
            }
            switch outcome {
            case .committed(let value): return value
            case .failed(let error): throw error
            case .collided(let state, let error):
                guard attempt <= retries else { throw error }
                let delay = Self.backoff.delay(failures: attempt, random: random())
                attempt += 1
                observe(.transactionRetried(state, attempt: attempt))
                do {
                    try await Task.sleep(for: delay)
                } catch {
                    throw E(PostgresError(.cancelled, "the task was cancelled between attempts of a transaction"))
                }
            }
        }
    }
}

/// The result of an attempt to run a transaction.
enum TransactionOutcome<Value: Sendable, Failure: Error>: Sendable {
    case committed(Value)
    case failed(Failure)
    /// The transaction conflicted with another, and may succeed when it runs again.
    case collided(SQLState, Failure)
}

extension Connection {
    /// Runs `body` in a transaction, once; for callers that keep state in the session across transactions, such as an
    /// advisory lock. Transactions do not nest.
    /// - Throws: errors of `body`, and an `E` made from any failure of BEGIN and of COMMIT.
    public func transaction<T: Sendable, E: PostgresErrorConvertible>(
        isolation: Isolation = .readCommitted, readOnly: Bool = false, _ body: (Connection) throws(E) -> T
    ) throws(E) -> T {
        precondition(!inTransaction, "transactions do not nest")
        switch transact(isolation.begin(readOnly: readOnly), body) {
        case .committed(let value): return value
        case .failed(let error), .collided(_, let error): throw error
        }
    }

    /// Runs `body` between `begin` and COMMIT or ROLLBACK.
    func transact<T, E: PostgresErrorConvertible>(
        _ begin: String, _ body: (Connection) throws(E) -> T
    ) -> TransactionOutcome<T, E> {
        runner.prologue = [begin]
        if !configuration.preparedStatements {
            // Behind a pooler the session has no settings of its own.
            runner.prologue += configuration.sessionSettings.map { "SET LOCAL \($0.0) = \($0.1)" }
        }
        runner.failure = nil
        let value: T
        do {
            value = try body(self)
        } catch {
            rollback()
            return ended(error)
        }
        do {
            try commit()
        } catch {
            rollback()
            return ended(E(error))
        }
        return .committed(value)
    }

    private func ended<T, E>(_ error: E) -> TransactionOutcome<T, E> {
        guard let state = runner.failure?.sqlState, state.isRetriable, !isBroken else { return .failed(error) }
        return .collided(state, error)
    }
}
