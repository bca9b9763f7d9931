// An embedded PostgreSQL server that starts and stops with this process.

/// A private PostgreSQL server, created on first use and reachable only through a Unix socket.
///
/// The server is restarted if it crashes. `stop` shuts it down. If this process ends without calling `stop`, the system
/// sends the server the signal for a fast shutdown. The next `start` on the same data directory stops any survivor.
public final class EmbeddedPostgres: Sendable {
    /// The data directory, without symbolic links.
    public let dataDirectory: String
    /// The connection string for the database `metaxy` and the role `metaxy`, which owns the database and has no other
    /// right.
    public let connectionString: String
    /// The connection string for the database `postgres` and its superuser: for tests and for operators.
    public let administratorConnectionString: String
    private let supervisor: EmbeddedSupervisor

    private init(_ supervisor: EmbeddedSupervisor, _ address: EmbeddedSupervisor.Address) {
        self.supervisor = supervisor
        self.dataDirectory = address.directory
        self.connectionString = EmbeddedCluster.connectionString(
            socketDirectory: address.socketDirectory, role: EmbeddedCluster.role, database: EmbeddedCluster.database)
        self.administratorConnectionString = EmbeddedCluster.connectionString(
            socketDirectory: address.socketDirectory, role: EmbeddedCluster.superuser, database: "postgres")
    }

    /// Creates the data directory if it is missing, starts the server, and returns once it accepts connections. This
    /// takes about a second for a new directory, and tenths of a second later.
    /// - Throws: every code of `EmbeddedPostgresError` except `.stopTimedOut` for the server itself.
    public static func start(
        _ configuration: EmbeddedConfiguration
    ) async throws(EmbeddedPostgresError) -> EmbeddedPostgres {
        let supervisor = EmbeddedSupervisor(configuration)
        let result: Result<EmbeddedSupervisor.Address, EmbeddedPostgresError> = await withCheckedContinuation {
            continuation in
            supervisor.start { continuation.resume(returning: $0) }
        }
        return EmbeddedPostgres(supervisor, try result.get())
    }

    /// The connection string for the database `metaxy` of a server that another process runs on a data directory.
    ///
    /// - Parameter dataDirectory: an absolute path.
    /// - Throws: `.directory` where no server was ever started there.
    public static func connectionString(
        ofServerOn dataDirectory: String
    ) throws(EmbeddedPostgresError) -> String {
        guard let path = FileSystem.resolved(dataDirectory) else { throw FileSystem.failure("find", dataDirectory) }
        let recorded = try EmbeddedDirectory.recordedSocketDirectory(of: path)
        return EmbeddedCluster.connectionString(
            socketDirectory: recorded, role: EmbeddedCluster.role, database: EmbeddedCluster.database)
    }

    /// The process id of the server; nil during a restart and after `stop`.
    public var processID: Int32? {
        supervisor.processID
    }

    /// Stops the server cleanly and releases its data directory.
    /// - Throws: `.stopTimedOut`.
    public func stop() async throws(EmbeddedPostgresError) {
        let result: Result<Void, EmbeddedPostgresError> = await withCheckedContinuation { continuation in
            ClientThread.start(named: "pg-stop") { [supervisor] in
                continuation.resume(returning: Result { () throws(EmbeddedPostgresError) in try supervisor.stop() })
            }
        }
        try result.get()
    }
}
