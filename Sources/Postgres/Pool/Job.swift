// Job: what a caller of the pool wants done.

import Synchronization

/// Work for a connection, and the way back to the caller. Exactly one of `work`'s answer and `fail` is called, once.
final class Job: Sendable {
    /// Does the work and answers how to hand over its result, which happens once the connection is free again: a
    /// caller that comes straight back then finds it, instead of opening another.
    let work: @Sendable (Connection) -> @Sendable () -> Void
    /// Tells the caller that there will be no connection.
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

    /// The place in the pool's queue, 0 before it has one.
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
