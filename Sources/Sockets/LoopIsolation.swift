// The serial executor of actors that run on an event loop.

/// Runs the jobs of one actor on a loop's thread.
///
/// The loop itself is the executor of tasks that prefer it. Jobs inside an actor and jobs outside of any run on the
/// same thread, but differ in their isolation.
public final class LoopIsolation: SerialExecutor {
    /// The loop.
    public let loop: EventLoop

    /// The executor of an actor on this loop; the actor has to keep it.
    public init(_ loop: EventLoop) {
        self.loop = loop
    }

    /// Takes a job to run on the loop's thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(job, in: self)
    }

    /// Whether the caller runs on the loop's thread.
    public func isIsolatingCurrentContext() -> Bool? { loop.isOnThread }

    /// Stops the program unless the caller runs on the loop's thread.
    public func checkIsolated() {
        precondition(loop.isOnThread, "not on the event loop's thread")
    }
}
