// The work that a caller submits to the pool, and the way back to the caller.

import Synchronization

/// Work for a connection, and the way back to the caller. Exactly one of `work`'s result and `fail` is called, once.
final class Job: Sendable {
    /// Does the work, and returns a closure that delivers its result. The pool calls the closure once the connection is
    /// free again, so that a caller that comes back at once finds it free.
    let work: @Sendable (Connection) -> @Sendable () -> Void
    /// Reports to the caller that it gets no connection.
    let fail: @Sendable (PostgresError) -> Void
    private let ticketNumber = Atomic<UInt64>(0)
    private let cancelled = Atomic<Bool>(false)

    init(
        work: @escaping @Sendable (Connection) -> @Sendable () -> Void,
        fail: @escaping @Sendable (PostgresError) -> Void
    ) {
        self.work = work
        self.fail = fail
    }

    /// The ticket in the pool's queue, 0 before it has one.
    var ticket: UInt64 {
        get { ticketNumber.load(ordering: .sequentiallyConsistent) }
        set { ticketNumber.store(newValue, ordering: .sequentiallyConsistent) }
    }

    /// Whether the caller's task was cancelled.
    var isCancelled: Bool {
        get { cancelled.load(ordering: .sequentiallyConsistent) }
        set { cancelled.store(newValue, ordering: .sequentiallyConsistent) }
    }
}
