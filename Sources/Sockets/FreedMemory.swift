// Memory that was freed but that the allocator keeps.

import CLinux
import Threads

/// Gives what was freed back to the system.
public enum FreedMemory {
    /// Gives it back, on a thread of its own: the allocator makes others wait for some milliseconds for each 100 MB.
    ///
    /// - Throws: when the system has no thread left.
    public static func giveBack() throws(SocketError) {
        do {
            // The result only says whether there was something.
            try SystemThread.start(named: "trim") { _ = malloc_trim(0) }
        } catch {
            throw SocketError("pthread_create", errno: error.code)
        }
    }
}
