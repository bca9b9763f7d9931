// EmbeddedConfiguration: where the private PostgreSQL lives and how long it may take.

/// Settings of the embedded server.
public struct EmbeddedConfiguration: Sendable {
    /// An absolute path. The cluster is kept in its subdirectory `postgres`; both are created when missing.
    public var dataDirectory: String
    /// Directories to look for PostgreSQL's programs in, separated by colons: the value of `PATH`.
    public var searchPath: String
    /// A private directory for the socket if the data directory's path is too long for one (`XDG_RUNTIME_DIR`); nil:
    /// a new directory under `/tmp`.
    public var runtimeDirectory: String?
    /// How long the server may take until it accepts connections; recovery after a crash counts.
    public var startDeadline: Duration = .seconds(120)
    /// How long a shutdown may take before the server is told to stop at once, without a checkpoint.
    public var stopDeadline: Duration = .seconds(30)
    /// Whether a commit survives a crash of the machine. False is for tests that crash nothing.
    public var durable: Bool = true
    /// Receives what happens to the server; called on its supervisor's thread, must not block.
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
    /// The server ended by itself; it is started again after `restartIn`.
    case exited(status: String, restartIn: Duration)
    /// The server could not be started again; it is tried again after `retryIn`.
    case restartFailed(EmbeddedPostgresError, retryIn: Duration)
}
