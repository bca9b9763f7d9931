// Counts the open client connections of all servers of a process.

import HTTPServer
import Synchronization

/// The number of open connections of servers that are added later.
final class ServedConnections: Sendable {
    private let servers = Mutex<[Server]>([])

    /// The number of open connections.
    var count: Int { servers.withLock { $0 }.reduce(0) { $0 + $1.connections } }

    /// Adds a server.
    func add(_ server: Server) {
        servers.withLock { $0.append(server) }
    }
}
