// The configuration of the embedded PostgreSQL: directory, programs and time limits.

/// Settings of the embedded server.
public struct EmbeddedConfiguration: Sendable {
    /// An absolute path. The cluster is kept in its subdirectory `postgres`; both are created when missing.
    public var dataDirectory: String
    /// Directories to look for PostgreSQL's programs in, separated by colons: the value of `PATH`.
    public var searchPath: String
    /// A private directory for the socket (`XDG_RUNTIME_DIR`), used if the data directory's path is too long. If nil, a
    /// new directory under `/tmp` is used.
    public var runtimeDirectory: String?
    /// The time limit until the server accepts connections, which includes recovery after a crash.
    public var startDeadline: Duration = .seconds(120)
    /// The time limit of a shutdown. After it, the server has to stop at once, without a checkpoint.
    public var stopDeadline: Duration = .seconds(30)
    /// Whether a commit survives a crash of the machine. Tests that crash nothing set it to false.
    public var durable: Bool = true
    /// Receives the server's events. Called on the supervisor's thread; must not block.
    public var observe: @Sendable (EmbeddedEvent) -> Void = { _ in }

    /// Settings with the default limits.
    public init(dataDirectory: String, searchPath: String, runtimeDirectory: String? = nil) {
        self.dataDirectory = dataDirectory
        self.searchPath = searchPath
        self.runtimeDirectory = runtimeDirectory
    }
}

/// Something that happened to the embedded server.
public enum EmbeddedEvent: Sendable, Hashable {
    /// The data directory was created.
    case initialised(directory: String)
    /// A server that an earlier process left behind was stopped.
    case leftoverStopped(processID: Int32)
    /// The server accepts connections.
    case started(processID: Int32)
    /// The server ended by itself. The supervisor restarts it after `restartIn`.
    case exited(status: String, restartIn: Duration)
    /// The server could not be restarted. The supervisor tries again after `retryIn`.
    case restartFailed(EmbeddedPostgresError, retryIn: Duration)
}
