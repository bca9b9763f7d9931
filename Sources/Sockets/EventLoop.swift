// An event loop: one thread that waits for sockets with epoll and runs tasks in between.

import CLinux
import Glibc
import Synchronization
import Threads

/// An event loop: a thread of its own that waits for descriptors and runs the jobs of tasks and actors in between.
///
/// Actors whose executor is the loop's ``LoopIsolation``, and tasks that prefer the loop, run on its thread and need no
/// locks among them. Suspending and resuming costs about 150 ns there. A hop to the global pool costs 20 µs.
public final class EventLoop: TaskExecutor {
    /// The work of the loop's owner on the loop's thread.
    public struct Turn: Sendable {
        let finish: @Sendable () -> Void
        let timeout: @Sendable () -> Int32
        let handle: @Sendable ([Readiness]) -> Void

        /// Creates a turn.
        ///
        /// - Parameters:
        ///   - finish: called after jobs have run, before the jobs that they made run and before the loop polls its
        ///     sockets.
        ///   - timeout: returns the most milliseconds to wait, -1 for no limit; called before each wait.
        ///   - handle: called after each wait with the ready descriptors, of which there may be none.
        public init(
            finish: @escaping @Sendable () -> Void, timeout: @escaping @Sendable () -> Int32,
            handle: @escaping @Sendable ([Readiness]) -> Void
        ) {
            self.finish = finish
            self.timeout = timeout
            self.handle = handle
        }
    }

    /// The rounds of jobs between two polls of the sockets, where each round runs the jobs that the last one made. A
    /// task that passes through an actor or two needs so many. A task that makes jobs without end, such as one that
    /// streams a large answer, delays the sockets by no more than these.
    private static let roundsPerTurn = 4

    /// A job, and the executor of the actor that it runs inside. A job outside of any actor must run without isolation:
    /// otherwise it would leave the isolation through the queue at every return from a call that may suspend.
    private struct Entry {
        let job: UnownedJob
        let isolation: LoopIsolation?
    }

    private struct State {
        var jobs: [Entry] = []
        /// Whether the thread waits or is about to wait, and has to be woken for a job.
        var isWaiting = false
        var isStopping = false
        var isRunning = false
        var stopped: [CheckedContinuation<Void, Never>] = []
    }

    private let name: String
    private let state = Mutex(State())
    private let poller: Poller
    private let thread = Atomic<UInt>(0)
    /// Repeats the order of the Mutex for the thread sanitizer, which does not see the kernel's part of it. Costs a
    /// plain load and store.
    private let order = Atomic<Int>(0)

    /// Creates a loop; its thread starts with `start` or with the first job.
    ///
    /// - Parameter name: the thread's name, at most 15 bytes.
    /// - Throws: when the process has no descriptors left.
    public init(name: String) throws(SocketError) {
        self.name = name
        poller = try Poller()
    }

    /// Starts the thread.
    ///
    /// - Parameter turn: what to do between jobs.
    /// - Throws: when the system has no thread left.
    public func start(_ turn: Turn) throws(SocketError) {
        withState { $0.isRunning = true }
        try startThread { self.run(turn) }
    }

    /// Ends the thread once no job is waiting.
    public func requestStop() {
        withState { $0.isStopping = true }
        poller.wake()
    }

    /// Ends the thread once no job is waiting, and returns when it has ended.
    public func stop() async {
        requestStop()
        await withCheckedContinuation { continuation in
            let isOver = withState { state in
                if state.isRunning { state.stopped.append(continuation) }
                return !state.isRunning
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: Descriptors

    /// Starts to watch a descriptor, until it is closed.
    ///
    /// - Parameters:
    ///   - descriptor: the kernel's number.
    ///   - interest: the events to report.
    ///   - token: the token of each `Readiness` of the descriptor; any value but `UInt64.max`.
    /// - Throws: when the kernel's limit of watches is reached.
    public func watch(_ descriptor: Int32, for interest: Interest, token: UInt64) throws(SocketError) {
        try poller.control(EPOLL_CTL_ADD, descriptor, interest, token)
    }

    /// Changes the events that are reported for a watched descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: the kernel's number.
    ///   - interest: the events to report from now on.
    ///   - token: the token of each `Readiness` of the descriptor.
    public func rewatch(_ descriptor: Int32, for interest: Interest, token: UInt64) {
        do throws(SocketError) {
            try poller.control(EPOLL_CTL_MOD, descriptor, interest, token)
        } catch {
            preconditionFailure("\(error): a watched descriptor can be changed")
        }
    }

    // MARK: Executor

    /// Takes a job to run on the loop's thread, outside any actor.
    public func enqueue(_ job: consuming ExecutorJob) {
        enqueue(Entry(job: UnownedJob(job), isolation: nil))
    }

    /// Takes a job to run on the loop's thread, inside an actor of this executor.
    func enqueue(_ job: consuming ExecutorJob, in isolation: LoopIsolation) {
        enqueue(Entry(job: UnownedJob(job), isolation: isolation))
    }

    private func enqueue(_ entry: Entry) {
        let (mustWake, mustStart) = withState { state in
            state.jobs.append(entry)
            let decision = (state.isWaiting, !state.isRunning)
            state.isWaiting = false
            state.isRunning = true
            return decision
        }
        if mustWake { poller.wake() }
        // A job that comes before the start or after the stop gets a thread of its own.
        if mustStart { startForJobs() }
    }

    /// Whether the caller runs on the loop's thread.
    var isOnThread: Bool { thread.load(ordering: .relaxed) == SystemThread.current }

    private func withState<R>(_ body: (inout State) -> R) -> R {
        state.withLock { state in
            _ = order.load(ordering: .acquiring)
            defer { order.store(0, ordering: .releasing) }
            return body(&state)
        }
    }

    private func startThread(_ body: @escaping @Sendable () -> Void) throws(SocketError) {
        do {
            try SystemThread.start(named: name) {
                linux_block_sigpipe()
                body()
            }
        } catch {
            throw SocketError("pthread_create", errno: error.code)
        }
    }

    private func startForJobs() {
        do throws(SocketError) {
            try startThread {
                self.thread.store(SystemThread.current, ordering: .relaxed)
                repeat { _ = self.runJobs() } while !self.endsThread(always: true)
            }
        } catch {
            preconditionFailure("\(error): without a thread the job could never run")
        }
    }

    private func run(_ turn: Turn) {
        thread.store(SystemThread.current, ordering: .relaxed)
        var ready: [Readiness] = []
        while true {
            for _ in 0..<Self.roundsPerTurn {
                guard runJobs() else { break }
                turn.finish()
            }
            if endsThread(always: false) { return }
            let mayWait = withState { state in
                state.isWaiting = state.jobs.isEmpty
                return state.isWaiting
            }
            poller.wait(milliseconds: mayWait ? turn.timeout() : 0, into: &ready)
            // Jobs that come from here on are run before the next wait without being woken for.
            if mayWait { withState { $0.isWaiting = false } }
            turn.handle(ready)
        }
    }

    /// Runs the jobs that wait now, but not those that they make.
    ///
    /// - Returns: whether there were any.
    private func runJobs() -> Bool {
        let jobs = withState { state in
            let jobs = state.jobs
            state.jobs = []
            return jobs
        }
        for entry in jobs {
            if let isolation = entry.isolation {
                unsafe entry.job.runSynchronously(
                    isolatedTo: isolation.asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            } else {
                unsafe entry.job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
        return !jobs.isEmpty
    }

    private func endsThread(always: Bool) -> Bool {
        let stopped: [CheckedContinuation<Void, Never>]? = withState { state in
            guard always || state.isStopping, state.jobs.isEmpty else { return nil }
            state.isRunning = false
            thread.store(0, ordering: .relaxed)
            let stopped = state.stopped
            state.stopped = []
            return stopped
        }
        guard let stopped else { return false }
        for continuation in stopped {
            continuation.resume()
        }
        return true
    }
}
