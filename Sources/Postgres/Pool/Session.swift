// Session: one connection and the thread that it lives on.

/// The thread of one slot of a pool. It opens the slot's connection and runs callers' work on it, one at a time.
final class Session: Sendable {
    /// What the thread is told to do.
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

    /// Tells the thread what to do next.
    func send(_ order: Order) {
        inbox.withLock { $0.append(order) }
        inbox.broadcast()
    }
}
