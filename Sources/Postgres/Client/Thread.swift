// Thread: starts the few threads of this target.

import Base
import CPostgres
import Glibc

/// A detached thread; blocking calls of libpq and of the operating system happen on such threads only.
enum Thread {
    /// Carries a closure through the `void *` that pthread_create passes on.
    private final class Start: Sendable {
        let name: StaticString
        let body: @Sendable () -> Void

        init(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            unsafe cpostgres_name_thread(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
            body()
        }
    }

    /// Starts a thread that runs `body`; its name (at most 15 bytes) shows in `ps -L` and in debuggers.
    static func start(named name: StaticString, _ body: @escaping @Sendable () -> Void) {
        precondition(name.utf8CodeUnitCount <= 15, "Linux thread names have at most 15 bytes")
        let argument = unsafe Unmanaged.passRetained(Start(name, body)).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        // Without threads the process cannot serve anything; EAGAIN means that its limit of threads is reached.
        precondition(code == 0, "pthread_create failed with \(code)")
        pthread_detach(thread)
    }

    /// Blocks the calling thread for `duration`, for what can only be polled.
    static func pause(_ duration: Duration) {
        let nanoseconds = Int(duration.wholeNanoseconds)
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        unsafe nanosleep(&time, nil)
    }
}
