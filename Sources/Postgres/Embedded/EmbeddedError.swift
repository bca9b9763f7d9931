// The reasons why the embedded PostgreSQL does not run.

/// A failure to set up, start or stop the embedded server. `message` advises the operator.
public struct EmbeddedPostgresError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// PostgreSQL's programs, or a system program they need, are not installed.
        case programsMissing
        /// The account that the server has to run as does not exist.
        case accountMissing
        /// A directory or file cannot be used as it is.
        case directory
        /// Another process runs a server on the data directory.
        case inUse
        /// The data directory could not be initialised.
        case initialisationFailed
        /// The server ended before it accepted connections, or its role and database could not be created.
        case startFailed
        /// The server did not accept connections in time.
        case startTimedOut
        /// The server did not stop in time.
        case stopTimedOut
    }

    /// The kind of failure.
    public let code: Code
    /// The failure, its place, and a remedy.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
