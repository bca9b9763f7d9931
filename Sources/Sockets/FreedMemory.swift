// Returns freed memory from the allocator to the system.

import CLinux
import Threads

/// Returns freed memory to the system.
public enum FreedMemory {
    /// Returns the memory, on a thread of its own: the allocator blocks other threads for some milliseconds per 100 MB.
    ///
    /// - Throws: when the system has no thread left.
    public static func giveBack() throws(SocketError) {
        do {
            // The result only reports whether memory was returned.
            try SystemThread.start(named: "trim") { _ = malloc_trim(0) }
        } catch {
            throw SocketError("pthread_create", errno: error.code)
        }
    }
}
