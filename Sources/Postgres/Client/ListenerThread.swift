// The thread of a notification listener: connects, waits for NOTIFY, and connects again.

import Base
import CPostgres
import Glibc
import Synchronization

/// The thread of a listener.
final class ListenerThread: Sendable {
    private enum State {
        case running
        /// A stop was requested, but the thread has not noticed it yet.
        case stopping
        case ended
    }

    private static let backoff = Backoff(first: .milliseconds(50), most: .seconds(5))
    /// The interval at which an idle connection is checked with a round trip, so that a dead peer is noticed.
    private static let checkInterval = Duration.seconds(30)

    private let configuration: PoolConfiguration
    private let channels: [String]
    private let continuation: AsyncStream<ListenerEvent>.Continuation
    private let state = Mutex(State.running)
    /// Becomes readable when the thread has to stop. poll(2) waits for it together with the socket.
    private let wakeRead: Int32
    private let wakeWrite: Int32

    init(
        _ configuration: PoolConfiguration, _ channels: [String],
        _ continuation: AsyncStream<ListenerEvent>.Continuation
    ) {
        var configuration = configuration
        configuration.statementTimeout = nil
        configuration.idleInTransactionTimeout = nil
        self.configuration = configuration
        self.channels = channels
        self.continuation = continuation
        var ends: [Int32] = [-1, -1]
        let code = unsafe pipe2(&ends, O_CLOEXEC | O_NONBLOCK)
        // EMFILE: a server without descriptors cannot accept connections either.
        precondition(code == 0, "pipe2 failed with \(errno)")
        self.wakeRead = ends[0]
        self.wakeWrite = ends[1]
    }

    deinit {
        close(wakeRead)
        close(wakeWrite)
    }

    func start() {
        ClientThread.start(named: "pg-listener") { [self] in
            run()
            state.withLock { $0 = .ended }
            continuation.finish()
        }
    }

    /// Makes the thread end soon.
    func stop() {
        let isFirst = state.withLock { state in
            guard state == .running else { return false }
            state = .stopping
            return true
        }
        var byte: UInt8 = 0
        if isFirst { unsafe write(wakeWrite, &byte, 1) }
    }

    private var isStopping: Bool {
        state.withLock { $0 != .running }
    }

    private func run() {
        var failures = 0
        var hasListened = false
        while !isStopping {
            do {
                let connection = try Connection(opening: configuration, interrupt: Interrupt())
                for channel in channels { try connection.script("LISTEN \(quoted(channel))") }
                configuration.observe(.connected)
                emit(hasListened ? .reconnected : .listening)
                hasListened = true
                failures = 0
                try listen(connection)
            } catch {
                failures += 1
                let delay = Self.backoff.delay(failures: failures, random: configuration.random())
                configuration.observe(
                    error.code == .connectFailed ? .connectFailed(error, retryIn: delay) : .connectionLost)
                _ = isReadable(-1, within: delay)
            }
        }
    }

    /// Delivers notifications until the connection breaks or the listener is stopped.
    private func listen(_ connection: Connection) throws(PostgresError) {
        while true {
            while let notification = connection.link.nextNotification() { emit(notification) }
            let hasInput = isReadable(connection.link.socket, within: Self.checkInterval)
            if isStopping { return }
            if hasInput {
                guard connection.link.receive() else { throw connection.link.lost(nil) }
            } else {
                try connection.script("SELECT 1")
            }
        }
    }

    /// Waits for input on `socket`, which is ignored if negative, or for the request to stop.
    private func isReadable(_ socket: Int32, within duration: Duration) -> Bool {
        var descriptors = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0),
        ]
        let count = unsafe poll(&descriptors, 2, Int32(clamping: duration.wholeMilliseconds))
        return count > 0 && descriptors[0].revents != 0
    }

    private func emit(_ event: ListenerEvent) {
        // The newest events are kept, and the event about the dropped ones is among them.
        if case .dropped(let dropped) = continuation.yield(event), dropped != .overflowed {
            continuation.yield(.overflowed)
        }
    }

    private func quoted(_ channel: String) -> String {
        "\"" + channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
