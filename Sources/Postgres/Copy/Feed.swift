// A bounded queue from a task to a thread that may block on it.

import Base
import Synchronization

/// A bounded queue from one task to the closure of a transaction, which runs on its connection's thread.
///
/// The task waits without a thread while the queue is full; the thread blocks while it is empty.
public final class Feed<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        /// Whether the task has sent all elements.
        var isFinished = false
        /// Whether one side has closed the feed.
        var isClosed = false
        var sender: CheckedContinuation<Bool, Never>?
    }

    /// The reason why the thread gets no element.
    public enum Interruption: Error, Hashable {
        /// The task gave up.
        case abandoned
        /// No element came in time.
        case late
    }

    private let monitor = Monitor(State())
    private let capacity: Int

    /// A queue of at most `capacity` elements.
    public init(capacity: Int) {
        precondition(capacity > 0, "a feed holds at least one element")
        self.capacity = capacity
    }

    /// Sends an element, once there is room.
    ///
    /// - Returns: false if the feed is closed.
    public func send(_ element: Element) async -> Bool {
        let isTaken: Bool = await withCheckedContinuation { continuation in
            let answer: Bool? = monitor.withLock { state in
                if state.isClosed { return false }
                state.elements.append(element)
                if state.elements.count < capacity { return true }
                state.sender = continuation
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
            monitor.broadcast()
        }
        return isTaken
    }

    /// Ends the feed after the last element.
    public func finish() {
        monitor.withLock { $0.isFinished = true }
        monitor.broadcast()
    }

    /// Closes the feed from either side: the task's next `send` returns false, and the thread's next `next` throws.
    public func close() {
        let sender = monitor.withLock { state in
            state.isClosed = true
            state.elements = []
            return state.sender.take()
        }
        sender?.resume(returning: false)
        monitor.broadcast()
    }

    /// Takes the next element; blocks the calling thread until there is one.
    ///
    /// - Parameter patience: the longest time to wait.
    /// - Returns: nil at the end.
    /// - Throws: `.abandoned` if the task gave up, `.late` if no element came in time.
    public func next(patience: Duration) throws(Interruption) -> Element? {
        let deadline = MonotonicTime.now() + patience
        let taken: Result<Element?, Interruption>? = monitor.wait(until: deadline) { state in
            if state.isClosed { return .failure(.abandoned) }
            if !state.elements.isEmpty { return .success(state.elements.removeFirst()) }
            return state.isFinished ? .success(nil) : nil
        }
        let sender = monitor.withLock { $0.sender.take() }
        sender?.resume(returning: true)
        guard let taken else { throw .late }
        return try taken.get()
    }
}
