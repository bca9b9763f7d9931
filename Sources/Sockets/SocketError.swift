// The error of a failed system call on a socket.

import CLinux
import Glibc

/// A system call on a socket that failed.
public struct SocketError: Error, CustomStringConvertible {
    /// The failed operation, such as `bind 127.0.0.1:8080`.
    public let operation: String
    /// The value of `errno`; 0 when the failure did not come from the kernel.
    public let code: Int32
    private let reason: String?

    /// Creates an error from `errno`.
    init(_ operation: String, errno code: Int32) {
        self.operation = operation
        self.code = code
        reason = nil
    }

    /// Creates an error that did not come from the kernel.
    init(_ operation: String, reason: String) {
        self.operation = operation
        code = 0
        self.reason = reason
    }

    /// The operation and the system's text for the failure.
    public var description: String {
        let text = unsafe String(cString: strerror(code))
        return "\(operation): \(reason ?? text)"
    }
}
