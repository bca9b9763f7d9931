// A bounded pool of PostgreSQL connections, shared by any number of tasks.

import Synchronization

/// Gives each caller a connection of its own for as long as its closure runs.
///
/// Closures run on the connection's own thread and may block and compute there; the cooperative pool never waits.
/// Callers are served in the order of their arrival.
public final class Pool: Sendable {
    private let core: PoolCore

    /// Creates a pool. It connects at the first use.
    public init(_ configuration: PoolConfiguration) {
        self.core = PoolCore(configuration)
    }

    deinit {
        core.close()
    }

    /// Runs `body` with a connection.
    ///
    /// If the calling task is cancelled, the statement that runs is stopped on the server and throws `.cancelled`. A
    /// transaction that `body` leaves open is rolled back.
    /// - Throws: errors of `body`, and an `E` made from `.poolExhausted`, `.poolClosed`, `.cancelled`, or
    ///   `.connectFailed` when the server could not be reached before the deadline.
    public func withConnection<T: Sendable, E: PostgresErrorConvertible>(
        _ body: @escaping @Sendable (Connection) throws(E) -> T
    ) async throws(E) -> T {
        let configuration = core.configuration
        let caller = configuration.slowStatement == nil ? nil : configuration.caller()
        let submitted = Mutex<Job?>(nil)
        let result: Result<T, E> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let job = Job(
                    work: { connection in
                        connection.slowStatements.caller = caller
                        let result = Result { () throws(E) in try body(connection) }
                        return { continuation.resume(returning: result) }
                    },
                    fail: { continuation.resume(returning: .failure(E($0))) })
                submitted.withLock { $0 = job }
                core.submit(job)
                if Task.isCancelled { core.cancel(job) }
            }
        } onCancel: {
            if let job = submitted.withLock({ $0 }) { core.cancel(job) }
        }
        return try result.get()
    }

    /// Closes every connection once it is free, and returns when the last is closed; callers that wait or come later
    /// get `.poolClosed`.
    public func close() async {
        core.close()
        await core.closed()
    }

    /// The state of the pool at this moment.
    public var statistics: PoolStatistics {
        core.statistics()
    }

    /// The source of randomness in the pool's configuration.
    var random: () -> Double { core.configuration.random }
    /// The observer in the pool's configuration.
    var observe: (PostgresEvent) -> Void { core.configuration.observe }
}
