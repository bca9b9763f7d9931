// The two listeners of a process: one for clients, one for health checks and metrics.

import API
import HTTP
import HTTPServer
import Sockets

/// The HTTP servers of a process, from start to drain.
struct Listeners: Sendable {
    private let clients: Server
    private let administration: Server?

    /// Starts the servers.
    ///
    /// - Parameters:
    ///   - administration: a second address for health checks and metrics, without tokens; nil for none.
    ///   - announce: called with each address once all listeners are ready.
    /// - Throws: if the server cannot listen on an address.
    init(
        _ api: API, at address: ListenAddress, tls: TLSConfiguration?, administration: ListenAddress?,
        counting connections: ServedConnections, announce: (String) -> Void
    ) throws(ExitReason) {
        clients = Self.server(api, at: address, loops: Processors.available, tls: tls)
        var served: (server: Server, address: BoundAddress)?
        if let administration {
            let server = Self.server(api.administration, at: administration, loops: 1, tls: nil)
            served = (server, try Self.start(server, at: administration))
        }
        self.administration = served?.server
        let bound = try Self.start(clients, at: address)
        connections.add(clients)
        announce("metaxyd listens on \(tls == nil ? "http" : "https")://\(bound)")
        if let served { announce("metaxyd serves health and metrics on http://\(served.address)") }
    }

    /// Reads the TLS files again.
    func reloadTLS() async throws(ServerError) { try await clients.reloadTLS() }

    /// Lets running requests finish. Health checks and metrics are served until the last one ends.
    ///
    /// - Parameter whenClosing: called once every answer carries `Connection: close`.
    func drain(grace: Duration, whenClosing: () -> Void) async {
        await clients.drain(grace: grace, whenClosing: whenClosing)
        await administration?.drain(grace: .seconds(1))
    }

    private static func server(
        _ api: API, at address: ListenAddress, loops: Int, tls: TLSConfiguration?
    ) -> Server {
        Server(
            configuration: ServerConfiguration(
                host: address.host, port: address.port, loops: loops, limits: ProtocolLimits(), tls: tls),
            application: Application(
                fastPath: { api.fastPath($0) }, protocolError: { api.refusal($0, $1) },
                handler: { await api.respond($0) }))
    }

    private static func start(_ server: Server, at address: ListenAddress) throws(ExitReason) -> BoundAddress {
        do {
            return try server.start()
        } catch {
            throw .configuration("cannot listen on \(address.host):\(address.port): \(error)")
        }
    }
}
