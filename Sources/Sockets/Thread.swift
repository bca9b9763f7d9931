// Threads of the operating system.

import CLinux
import Glibc

/// The calling thread's number, never 0.
func currentThread() -> UInt {
    UInt(pthread_self())
}

/// Starts a detached thread.
///
/// - Parameters:
///   - name: at most 15 bytes, for `top` and debuggers.
///   - body: what it runs; a closure without isolation, as the thread belongs to no actor.
/// - Throws: when the system has no thread left.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) throws(SocketError) {
    final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let status = unsafe pthread_create(
        &thread, nil,
        { argument in
            guard let argument = unsafe argument else { preconditionFailure("the thread was started with an argument") }
            let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
            unsafe pthread_setname_np(pthread_self(), start.name)
            linux_block_sigpipe()
            start.body()
            return nil
        }, unsafe start.toOpaque())
    guard status == 0 else {
        unsafe start.release()
        throw SocketError("pthread_create", errno: status)
    }
    pthread_detach(thread)
}
