// Where a server listens.

import Sockets

/// The address a server listens at.
public struct BoundAddress: Sendable, CustomStringConvertible {
    /// The port, chosen by the kernel when 0 was asked for.
    public let port: Int
    /// `127.0.0.1:8080` or `[::1]:8080`.
    public let description: String

    init(_ address: SocketAddress) {
        port = address.port
        description = address.description
    }
}
