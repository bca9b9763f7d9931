// The mailbox of one pooled connection and its thread.

/// The thread of one slot of a pool. It opens the slot's connection and runs callers' work on it, one at a time.
final class Session: Sendable {
    /// A command to the thread.
    enum Order: Sendable {
        case connect
        case run(Job, ticket: UInt64)
        case close
    }

    let interrupt = Interrupt()
    private let inbox = Monitor<[Order]>([])

    /// Starts the thread; it reports to `core` and ends after `.close`.
    init(slot: Int, core: PoolCore) {
        let session = SessionThread(slot: slot, core: core, interrupt: interrupt, inbox: inbox)
        ClientThread.start(named: "pg-session") { session.run() }
    }

    /// Sends a command to the thread.
    func send(_ order: Order) {
        inbox.withLock { $0.append(order) }
        inbox.broadcast()
    }
}
