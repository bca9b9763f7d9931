// The threads of the PostgreSQL client, on which calls of libpq and of the operating system may block.

import Base
import Threads

/// Starts and pauses the client's threads.
enum ClientThread {
    /// Starts a detached thread, named with at most 15 bytes.
    static func start(named name: String, _ body: @escaping @Sendable () -> Void) {
        do {
            try SystemThread.start(named: name, body)
        } catch {
            // EAGAIN: the process has reached its limit of threads, and cannot serve anything without them.
            preconditionFailure("pthread_create failed with \(error.code)")
        }
    }

    /// Blocks the calling thread, for conditions that can only be polled.
    static func pause(_ duration: Duration) {
        SystemThread.pause(nanoseconds: duration.wholeNanoseconds)
    }
}
