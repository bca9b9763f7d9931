// The servers that clients are connected to, for whoever wants to know how many those are.

import HTTPServer
import Synchronization

/// Counts the connections of servers that are made after whoever counts.
final class ServedConnections: Sendable {
    private let servers = Mutex<[Server]>([])

    /// Connections open now.
    var count: Int { servers.withLock { $0 }.reduce(0) { $0 + $1.connections } }

    /// Counts those of another server as well.
    func add(_ server: Server) {
        servers.withLock { $0.append(server) }
    }
}
