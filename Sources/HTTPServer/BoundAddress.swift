// The address and the port that a server listens at.

import Sockets

/// The address a server listens at.
public struct BoundAddress: Sendable, CustomStringConvertible {
    /// The port; the kernel's choice if 0 was requested.
    public let port: Int
    /// `127.0.0.1:8080` or `[::1]:8080`.
    public let description: String

    init(_ address: SocketAddress) {
        port = address.port
        description = address.description
    }
}
