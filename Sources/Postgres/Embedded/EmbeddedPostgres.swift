// EmbeddedPostgres: a private PostgreSQL server that lives and dies with this process.

/// A PostgreSQL server of one's own: created on first use, reachable through a private Unix socket only.
///
/// It is started again if it crashes. It gets its fast shutdown from `stop`, and from the system when this process
/// ends without. One that survived nevertheless is stopped by the next `start` on the same data directory.
public final class EmbeddedPostgres: Sendable {
    /// The data directory, without symbolic links.
    public let dataDirectory: String
    /// Connects to the database `metaxy` as the role `metaxy`, which owns it and has no other right.
    public let connectionString: String
    /// Connects to the database `postgres` as its superuser: for tests and for operators.
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

    /// Starts the server, after creating its data directory if there is none, and returns once it accepts
    /// connections: about a second for a new directory, tenths of one later.
    /// - Throws: every code of `EmbeddedPostgresError` but `.stopTimedOut` for the server itself.
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

    /// Connects to the database `metaxy` of the server that another process runs on a data directory.
    ///
    /// - Parameter dataDirectory: an absolute path.
    /// - Throws: `.directory` where nobody has ever started one there.
    public static func connectionString(
        ofServerOn dataDirectory: String
    ) throws(EmbeddedPostgresError) -> String {
        guard let path = FileSystem.resolved(dataDirectory) else { throw FileSystem.failure("find", dataDirectory) }
        let recorded = try EmbeddedDirectory.recordedSocketDirectory(of: path)
        return EmbeddedCluster.connectionString(
            socketDirectory: recorded, role: EmbeddedCluster.role, database: EmbeddedCluster.database)
    }

    /// The process id of the server; nil while it is being started again, and after `stop`.
    public var processID: Int32? {
        supervisor.processID
    }

    /// Stops the server cleanly and gives its data directory free.
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
