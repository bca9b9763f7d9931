// The shared state of a pool: performs the decisions of PoolMachine.

import Base

/// The shared state of a pool, its sessions' threads and its timekeeper.
final class PoolCore: Sendable {
    private struct State {
        var machine: PoolMachine
        /// Callers that wait or run.
        var jobs: [UInt64: Job] = [:]
        var sessions: [Int: Session] = [:]
        var connectsTotal: UInt64 = 0
        var timeoutsTotal: UInt64 = 0
        var connectError: PostgresError?
        /// The time when the timekeeper wakes next; nil if it waits to be woken.
        var armed: MonotonicTime?
        var isClosed = false
        var closing: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: PoolConfiguration
    private let monitor: Monitor<State>

    init(_ configuration: PoolConfiguration) {
        self.configuration = configuration
        let machine = PoolMachine(
            size: configuration.size, waitDeadline: configuration.waitDeadline,
            waitersMax: configuration.waitersMax, backoff: Self.backoff)
        self.monitor = Monitor(State(machine: machine))
        ClientThread.start(named: "pg-pool-time") { [self] in keepTime() }
    }

    /// A server that restarts is back within a second or two. A server that is down gets one attempt every two seconds.
    static let backoff = Backoff(first: .milliseconds(50), most: .seconds(2))

    // MARK: From callers

    func submit(_ job: Job) {
        perform { state, now in
            let (ticket, actions) = state.machine.request(now: now)
            job.ticket = ticket
            state.jobs[ticket] = job
            return actions
        }
    }

    func cancel(_ job: Job) {
        job.isCancelled = true
        let ticket = job.ticket
        // The job is not submitted yet: its submitter checks the task's cancellation afterwards.
        guard ticket != 0 else { return }
        perform { state, _ in state.machine.cancel(ticket) }
    }

    func close() {
        perform { state, _ in state.machine.close() }
    }

    func closed() async {
        await withCheckedContinuation { continuation in
            let isClosed = monitor.withLock { state in
                if !state.isClosed { state.closing.append(continuation) }
                return state.isClosed
            }
            if isClosed { continuation.resume() }
        }
    }

    func statistics() -> PoolStatistics {
        monitor.withLock { state in
            PoolStatistics(
                size: configuration.size, open: state.machine.open, inUse: state.machine.inUse,
                waiting: state.machine.waiting, acquiredTotal: state.machine.acquiredTotal,
                waitTotal: state.machine.waitTotal, connectsTotal: state.connectsTotal,
                timeoutsTotal: state.timeoutsTotal)
        }
    }

    // MARK: From sessions

    func connected(slot: Int) {
        perform { state, now in
            state.connectsTotal += 1
            state.connectError = nil
            return state.machine.connected(slot: slot, now: now)
        }
    }

    func connectFailed(slot: Int, _ error: PostgresError) {
        let random = configuration.random()
        var retryIn = Duration.zero
        perform { state, now in
            state.connectError = error
            let (delay, actions) = state.machine.connectFailed(slot: slot, now: now, random: random)
            retryIn = delay
            return actions
        }
        configuration.observe(.connectFailed(error, retryIn: retryIn))
    }

    func ended(slot: Int) {
        perform { state, _ in state.machine.ended(slot: slot) }
    }

    func rejected(ticket: UInt64) {
        perform { state, now in state.machine.rejected(ticket: ticket, now: now) }
    }

    func released(ticket: UInt64, healthy: Bool, _ handOver: () -> Void) {
        perform { state, now in
            state.jobs[ticket] = nil
            return state.machine.released(ticket: ticket, healthy: healthy, now: now)
        }
        handOver()
    }

    // MARK: Performing

    /// Reports an event to the machine, and performs the machine's actions after the lock is released.
    private func perform(_ decide: (inout State, MonotonicTime) -> [PoolMachine.Action]) {
        let (tasks, isEarlier) = monitor.withLock { state in
            let actions = decide(&state, MonotonicTime.now())
            let tasks = actions.map { task(for: $0, &state) }
            guard let wakeAt = state.machine.wakeAt, state.armed.map({ wakeAt < $0 }) ?? true else {
                return (tasks, false)
            }
            state.armed = wakeAt
            return (tasks, true)
        }
        if isEarlier { monitor.broadcast() }
        for task in tasks { task() }
    }

    private func task(for action: PoolMachine.Action, _ state: inout State) -> () -> Void {
        switch action {
        case .connect(let slot):
            let session = session(slot, &state)
            return { session.send(.connect) }
        case .run(let ticket, let slot):
            guard let job = state.jobs[ticket] else { preconditionFailure("a caller without a job") }
            let session = session(slot, &state)
            return { session.send(.run(job, ticket: ticket)) }
        case .close(let slot):
            guard let session = state.sessions.removeValue(forKey: slot) else { return { self.ended(slot: slot) } }
            return { session.send(.close) }
        case .fail(let ticket, let reason):
            guard let job = state.jobs.removeValue(forKey: ticket) else {
                preconditionFailure("a caller without a job")
            }
            let error = error(for: reason, &state)
            return { job.fail(error) }
        case .interrupt(let ticket, let slot):
            let session = session(slot, &state)
            return { session.interrupt.request(job: ticket) }
        case .closed:
            state.isClosed = true
            let closing = state.closing
            state.closing = []
            return { [monitor] in
                monitor.broadcast()
                for continuation in closing { continuation.resume() }
            }
        }
    }

    private func session(_ slot: Int, _ state: inout State) -> Session {
        if let session = state.sessions[slot] { return session }
        let session = Session(slot: slot, core: self)
        state.sessions[slot] = session
        return session
    }

    private func error(for reason: PoolMachine.Reason, _ state: inout State) -> PostgresError {
        switch reason {
        case .deadline:
            state.timeoutsTotal += 1
            // Without a reachable server the error is that of connecting, instead of an exhausted pool.
            if state.machine.open == 0, let error = state.connectError { return error }
            return PostgresError(
                .poolExhausted, "no connection became free within \(configuration.waitDeadline.wholeMilliseconds) ms")
        case .tooManyWaiters:
            return PostgresError(.poolExhausted, "\(configuration.waitersMax) callers wait for a connection already")
        case .cancelled:
            return PostgresError(.cancelled, "the task was cancelled while it waited for a connection")
        case .closed:
            return PostgresError(.poolClosed, "the pool is closed")
        }
    }

    // MARK: Time

    /// The timekeeper's thread: fails callers at their deadline and retries connecting.
    private func keepTime() {
        enum Wake { case closed, rearmed }
        while true {
            let armed = monitor.withLock { $0.armed }
            let wake: Wake? = monitor.wait(until: armed) { state in
                if state.isClosed { return .closed }
                return state.armed == armed ? nil : .rearmed
            }
            switch wake {
            case .closed: return
            case .rearmed: continue
            case nil:
                perform { state, now in
                    state.armed = nil
                    return state.machine.tick(now: now)
                }
            }
        }
    }
}
