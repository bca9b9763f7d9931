// A file descriptor that is closed exactly once.

import CLinux
import Glibc

/// An open file descriptor; it closes with the value that holds it.
public struct Descriptor: ~Copyable, Sendable {
    /// The kernel's number.
    public let number: Int32

    /// Takes over an open descriptor.
    init(owning number: Int32) {
        precondition(number >= 0, "a descriptor is not negative")
        self.number = number
    }

    deinit {
        // After EINTR the descriptor is closed on Linux all the same.
        close(number)
    }

    /// Sets an integer option.
    func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }
}
