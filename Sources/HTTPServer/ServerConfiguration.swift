// The configuration of a server: address, loops, limits and TLS files.

public import HTTP
public import Sockets

/// Where and how a server serves.
public struct ServerConfiguration: Sendable {
    /// The address to listen at, a name or a numeric one.
    public var host: String
    /// The port, 0...65535; 0 lets the kernel choose.
    public var port: Int
    /// The number of event loops, each with its own thread, listener and connections.
    public var loops: Int
    /// The limits on clients.
    public var limits: ProtocolLimits
    /// The files for TLS, nil to serve without.
    public var tls: TLSConfiguration?

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - host: the address to listen at.
    ///   - port: the port; 0 lets the kernel choose.
    ///   - loops: the number of event loops; use the number of cores.
    ///   - limits: the limits on clients.
    ///   - tls: the files for TLS, nil to serve without.
    public init(host: String, port: Int, loops: Int, limits: ProtocolLimits, tls: TLSConfiguration? = nil) {
        self.host = host
        self.port = port
        self.loops = loops
        self.limits = limits
        self.tls = tls
    }
}
