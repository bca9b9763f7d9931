// A server for the length of a test.

public import HTTP
public import HTTPServer
public import Sockets

extension ProtocolLimits {
    /// The limits of tests that are not about time: a machine that is busy with other things makes nobody late.
    public static var patient: ProtocolLimits {
        var limits = ProtocolLimits()
        limits.handshakeTime = .seconds(120)
        limits.headTime = .seconds(120)
        limits.contentCredit = .seconds(120)
        limits.outputCredit = .seconds(120)
        limits.lingerTime = .seconds(120)
        return limits
    }
}

/// Runs a server on a port of the kernel's choice while a test's body runs, then drains it.
///
/// - Parameters:
///   - limits: the limits.
///   - application: what to serve.
///   - loops: event loops.
///   - tls: the files for TLS, nil to serve without.
///   - body: the test; gets the port and the server, and runs on a thread of its own, so it may block.
/// - Returns: what the body returns.
/// - Throws: what the body throws.
@discardableResult
public func withServer<T: Sendable>(
    limits: ProtocolLimits = .patient, application: Application = TestRoutes.application, loops: Int = 1,
    tls: TLSConfiguration? = nil,
    _ body: @escaping @Sendable (Int, Server) throws -> T
) async throws -> T {
    let configuration = ServerConfiguration(host: "127.0.0.1", port: 0, loops: loops, limits: limits, tls: tls)
    let server = Server(configuration: configuration, application: application)
    let port = try server.start().port
    do {
        let result = try await onThread { try body(port, server) }
        await server.drain(grace: .zero)
        return result
    } catch {
        await server.drain(grace: .zero)
        throw error
    }
}
