// Memory that was freed but that the allocator keeps.

import CLinux

/// Gives what was freed back to the system.
public enum FreedMemory {
    /// Gives it back, on a thread of its own: the allocator makes others wait for some milliseconds for each 100 MB.
    ///
    /// - Throws: when the system has no thread left.
    public static func giveBack() throws(SocketError) {
        // The result only says whether there was something.
        try startThread(name: "trim") { _ = malloc_trim(0) }
    }
}
