// The loop of one pooled connection's thread: connects, runs jobs, closes.

/// The loop of one session's thread.
struct SessionThread: Sendable {
    let slot: Int
    let core: PoolCore
    let interrupt: Interrupt
    let inbox: Monitor<[Session.Order]>

    func run() {
        var connection: Connection?
        while let order = nextOrder() {
            switch order {
            case .connect:
                connection = connect()
            case .run(let job, let ticket):
                // A server that closed the idle connection has left an announcement in its socket.
                if let current = connection, current.link.isAlive {
                    if !perform(job, ticket, on: current) { connection = nil }
                } else {
                    connection = nil
                    core.configuration.observe(.connectionLost)
                    core.rejected(ticket: ticket)
                }
            case .close:
                connection = nil
                return core.ended(slot: slot)
            }
        }
    }

    private func nextOrder() -> Session.Order? {
        inbox.wait { $0.isEmpty ? nil : $0.removeFirst() }
    }

    private func connect() -> Connection? {
        do {
            let connection = try Connection(opening: core.configuration, interrupt: interrupt)
            core.configuration.observe(.connected)
            core.connected(slot: slot)
            return connection
        } catch {
            core.connectFailed(slot: slot, error)
            return nil
        }
    }

    /// Runs a caller's work and returns whether the connection can be used again.
    private func perform(_ job: Job, _ ticket: UInt64, on connection: Connection) -> Bool {
        interrupt.begin(job: ticket)
        // A cancellation before `begin` found no work to stop; a later one finds this work's ticket.
        let handOver = job.isCancelled ? cancelled(job) : job.work(connection)
        interrupt.end()
        connection.rollback()
        let isHealthy = !connection.isBroken
        if !isHealthy { core.configuration.observe(.connectionLost) }
        core.released(ticket: ticket, healthy: isHealthy, handOver)
        return isHealthy
    }

    private func cancelled(_ job: Job) -> @Sendable () -> Void {
        { job.fail(PostgresError(.cancelled, "the task was cancelled before its work began")) }
    }
}
