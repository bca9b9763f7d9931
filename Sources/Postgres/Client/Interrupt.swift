// Cancels the statement that a connection is running, from another thread.

import Base
import CPostgres
import Glibc

/// The switch between a task that is cancelled and the connection that works for it.
///
/// A cancel request uses a connection of its own and may reach the server before the statement does, so it is repeated
/// until the connection's thread has seen it. No request is under way while the connection begins work that must not be
/// stopped: the work of the next caller, or ROLLBACK.
@safe
final class Interrupt: Sendable {
    private struct State {
        /// The handle for PQcancel; nil while there is no connection.
        var handle: Handle?
        /// The work under way; 0 while there is none.
        var job: UInt64 = 0
        var isRequested = false
        /// Whether a statement is with the server.
        var isActive = false
        /// Whether a thread is inside PQcancel.
        var isSending = false
    }

    /// A PGcancel. Any thread may use it; it is freed under the lock only.
    @safe
    private struct Handle: @unchecked Sendable {
        // @unchecked: libpq documents PQcancel as safe to call from any thread.
        let pointer: OpaquePointer
    }

    /// The time between two requests for one statement. A statement that survives several is waiting for its server.
    private static let repeatInterval = Duration.milliseconds(100)

    private let monitor = Monitor(State())

    /// Begins work; `job` is not 0 and new for this connection.
    func begin(job: UInt64) {
        monitor.withLock { state in
            state.job = job
            state.isRequested = false
        }
    }

    /// Ends the work; returns once no cancel request is under way.
    func end() {
        settle { state in
            state.job = 0
            state.isRequested = false
        }
    }

    /// Marks that a statement is sent to the server.
    /// - Throws: `.cancelled` when the work was cancelled before.
    func enter() throws(PostgresError) {
        let isCancelled = monitor.withLock { state in
            state.isActive = !state.isRequested
            return state.isRequested
        }
        monitor.broadcast()
        if isCancelled { throw PostgresError(.cancelled, "the task was cancelled") }
    }

    /// Marks that the server has answered; returns once no cancel request is under way.
    func leave() {
        settle { $0.isActive = false }
    }

    /// Whether the current work was cancelled.
    var isRequested: Bool {
        monitor.withLock { $0.isRequested }
    }

    /// Sets the connection to cancel on, nil before it closes; returns once no cancel request is under way.
    func attach(_ link: Link?) {
        let handle = unsafe link.flatMap { unsafe PQgetCancel($0.pointer) }.map { unsafe Handle(pointer: $0) }
        var old: Handle?
        settle { state in
            old = state.handle
            state.handle = handle
        }
        if let old { unsafe PQfreeCancel(old.pointer) }
    }

    /// Cancels `job` if it is still the current work. Returns at once; another thread sends the request to the server.
    func request(job: UInt64) {
        let isNew = monitor.withLock { state in
            guard state.job == job, !state.isRequested else { return false }
            state.isRequested = true
            return true
        }
        guard isNew else { return }
        ClientThread.start(named: "pg-cancel") { self.send(job: job) }
    }

    /// Requests that the server stops the statement of the calling thread. Returns once the request was delivered.
    func stop() {
        let handle = monitor.withLock { $0.handle }
        guard let handle else { return }
        Self.cancel(handle)
    }

    private func settle(_ change: (inout State) -> Void) {
        let wasRequested: Bool =
            monitor.wait { state in
                guard !state.isSending else { return nil }
                let wasRequested = state.isRequested
                change(&state)
                return wasRequested
            } ?? false
        if wasRequested { monitor.broadcast() }
    }

    /// Sends cancel requests until the work has ended or has seen one.
    private func send(job: UInt64) {
        while true {
            let handle: Handle?? = monitor.wait { state in
                guard state.job == job, state.isRequested else { return .some(.none) }
                guard state.isActive, let handle = state.handle else { return nil }
                state.isSending = true
                return .some(handle)
            }
            guard let handle = handle ?? nil else { return }
            Self.cancel(handle)
            monitor.withLock { $0.isSending = false }
            monitor.broadcast()
            let pause = MonotonicTime.now() + Self.repeatInterval
            let isOver = monitor.wait(until: pause) { $0.job != job || !$0.isActive ? true : nil } ?? false
            if isOver && !isRequested { return }
        }
    }

    /// Sends one request. A refusal changes nothing: the caller tries again or waits for the statement.
    private static func cancel(_ handle: Handle) {
        var message = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(handle.pointer, &message, Int32(message.count))
    }
}
