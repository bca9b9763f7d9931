// Threads of the operating system: starting one, pausing the current one.

import CLinux
import Glibc

/// Starts detached threads for work that must not block the cooperative pool: event loops, libpq, processes.
public enum SystemThread {
    /// The system has no thread left; `code` is its `errno`.
    public struct NoneLeft: Error {
        /// The value of `errno`, such as EAGAIN.
        public let code: Int32
    }

    /// The number of the calling thread, never 0.
    public static var current: UInt {
        UInt(pthread_self())
    }

    /// Carries a closure through the `void *` that pthread_create passes on.
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a detached thread.
    ///
    /// - Parameters:
    ///   - name: the thread's name in `top`, `ps -L` and debuggers, at most 15 bytes.
    ///   - body: the thread's work; a closure without isolation, as the thread belongs to no actor.
    /// - Throws: when the system has no thread left.
    public static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws(NoneLeft) {
        precondition(name.utf8.count <= 15, "Linux thread names have at most 15 bytes")
        let start = unsafe Unmanaged.passRetained(Start(name, body))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else {
                    preconditionFailure("a thread is started with an argument")
                }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe pthread_setname_np(pthread_self(), start.name)
                start.body()
                return nil
            }, unsafe start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw NoneLeft(code: code)
        }
        pthread_detach(thread)
    }

    /// Blocks the calling thread, for conditions that can only be polled.
    ///
    /// - Parameter nanoseconds: the length of the pause, 0 or more.
    public static func pause(nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe nanosleep(&time, nil)
    }
}
