// The thread that starts the embedded PostgreSQL, and restarts it when it ends.

import Base
import Glibc

/// Starts the server, waits for its end, and restarts it unless it was stopped on request.
///
/// All steps run on one thread that lives as long as the server, because the system signals the server when the thread
/// that started it ends.
final class EmbeddedSupervisor: Sendable {
    private struct State {
        var isStopping = false
        var hasEnded = false
        /// The server process; nil between two runs.
        var child: ChildProcess?
    }

    /// The address of the running server.
    struct Address: Sendable {
        let directory: String
        let socketDirectory: String
    }

    private static let pollInterval = Duration.milliseconds(10)
    /// After a crash the server restarts at once. A server that keeps crashing restarts at most every 10 seconds.
    private static let backoff = Backoff(first: .milliseconds(100), most: .seconds(10))

    /// After this time a crash counts as the first one: the server's start was not the cause.
    private static let stableAfter = Duration.seconds(60)

    let configuration: EmbeddedConfiguration
    private let monitor = Monitor(State())

    init(_ configuration: EmbeddedConfiguration) {
        self.configuration = configuration
    }

    /// Starts the thread; `ready` is called once, when the server accepts connections or cannot be started.
    func start(_ ready: @escaping @Sendable (Result<Address, EmbeddedPostgresError>) -> Void) {
        ClientThread.start(named: "pg-supervisor") { [self] in
            let failure = run { ready(.success($0)) }
            // `run` has released the directory's lock, so a caller that learns of the end can start a server again.
            monitor.withLock { $0.hasEnded = true }
            monitor.broadcast()
            if let failure { ready(.failure(failure)) }
        }
    }

    /// The process id of the server while it runs.
    var processID: Int32? {
        monitor.withLock { $0.child?.processID }
    }

    /// Stops the server: first a fast shutdown, then one without a checkpoint, then SIGKILL. Blocks.
    func stop() throws(EmbeddedPostgresError) {
        monitor.withLock { $0.isStopping = true }
        monitor.broadcast()
        let signals: [(Int32, Duration)] = [
            (SIGINT, configuration.stopDeadline), (SIGQUIT, .seconds(10)), (SIGKILL, .seconds(10)),
        ]
        for (signal, patience) in signals {
            monitor.withLock { $0.child?.signal(signal) }
            let deadline = MonotonicTime.now() + patience
            if monitor.wait(until: deadline, { $0.hasEnded ? true : nil }) != nil { return }
        }
        throw EmbeddedPostgresError(.stopTimedOut, "PostgreSQL in \(configuration.dataDirectory) does not stop")
    }

    // MARK: On the thread

    /// Runs the server until it is stopped, and returns the reason if it could not be started.
    private func run(_ ready: (Address) -> Void) -> EmbeddedPostgresError? {
        do {
            let (cluster, address) = try setUp()
            try launch(cluster, address)
            ready(address)
            supervise(cluster, address)
            return nil
        } catch {
            return error
        }
    }

    private func setUp() throws(EmbeddedPostgresError) -> (EmbeddedCluster, Address) {
        let programs = try EmbeddedPrograms.find(searchPath: configuration.searchPath)
        let directory = try EmbeddedDirectory(configuration, account: Account.forServer())
        let cluster = EmbeddedCluster(programs: programs, directory: directory)
        if try cluster.initialise(durable: configuration.durable) {
            configuration.observe(.initialised(directory: directory.path))
        }
        let socketDirectory = try directory.socketDirectory(runtimeDirectory: configuration.runtimeDirectory)
        return (cluster, Address(directory: directory.path, socketDirectory: socketDirectory))
    }

    /// Starts the server and returns once it accepts connections and has its role and database.
    private func launch(_ cluster: EmbeddedCluster, _ address: Address) throws(EmbeddedPostgresError) {
        let survivors = EmbeddedSurvivors(
            cluster: cluster.directory.cluster, socketDirectory: address.socketDirectory,
            found: { [configuration] process in configuration.observe(.leftoverStopped(processID: process)) })
        try survivors.stop(deadline: configuration.stopDeadline)
        try cluster.configure(socketDirectory: address.socketDirectory, durable: configuration.durable)
        let child = try cluster.start()
        monitor.withLock { $0.child = child }
        do {
            try awaitReady(child, cluster, address)
        } catch {
            child.signal(SIGQUIT)
            _ = end(child)
            throw error
        }
        configuration.observe(.started(processID: child.processID))
    }

    private func awaitReady(
        _ child: ChildProcess, _ cluster: EmbeddedCluster, _ address: Address
    ) throws(EmbeddedPostgresError) {
        let deadline = MonotonicTime.now() + configuration.startDeadline
        var settings = PoolConfiguration(
            connectionString: EmbeddedCluster.connectionString(
                socketDirectory: address.socketDirectory, role: EmbeddedCluster.superuser, database: "postgres"),
            size: 1)
        settings.statementTimeout = configuration.startDeadline
        while true {
            let reason: PostgresError
            do {
                try EmbeddedCluster.prepare(Connection(opening: settings, interrupt: Interrupt()))
                return
            } catch {
                reason = error
            }
            if child.awaitEnd(blocking: false) {
                let words = try cluster.directory.lastWords()
                throw EmbeddedPostgresError(
                    .startFailed, "PostgreSQL ended at its start; its log is in \(cluster.directory.logs): \(words)")
            }
            guard MonotonicTime.now() < deadline, !isStopping else {
                throw EmbeddedPostgresError(
                    .startTimedOut,
                    "PostgreSQL did not accept connections in time (\(reason.message)); its log is in "
                        + cluster.directory.logs)
            }
            ClientThread.pause(Self.pollInterval)
        }
    }

    /// Waits for the end of the server, and restarts it each time that it ends by itself.
    private func supervise(_ cluster: EmbeddedCluster, _ address: Address) {
        var failures = 0
        var startedAt = MonotonicTime.now()
        while true {
            if let child = monitor.withLock({ $0.child }) {
                let status = end(child)
                if isStopping { return }
                failures = MonotonicTime.now() - startedAt > Self.stableAfter ? 1 : failures + 1
                let delay = Self.backoff.delay(failures: failures, random: 1)
                configuration.observe(.exited(status: status.description, restartIn: delay))
                if pauses(delay) { return }
            }
            do {
                startedAt = MonotonicTime.now()
                try launch(cluster, address)
            } catch {
                if isStopping { return }
                failures += 1
                let delay = Self.backoff.delay(failures: failures, random: 1)
                configuration.observe(.restartFailed(error, retryIn: delay))
                if pauses(delay) { return }
            }
        }
    }

    /// Waits until `child` has ended. No thread signals its process id once the system may reuse it.
    private func end(_ child: ChildProcess) -> ChildProcess.Status {
        child.awaitEnd()
        monitor.withLock { $0.child = nil }
        return child.reap()
    }

    private var isStopping: Bool {
        monitor.withLock { $0.isStopping }
    }

    /// Waits, and returns whether the server has to stop.
    private func pauses(_ delay: Duration) -> Bool {
        monitor.wait(until: MonotonicTime.now() + delay) { $0.isStopping ? true : nil } ?? false
    }
}
