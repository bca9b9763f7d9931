// The error of every failed database operation, with its code and the server's details.

/// A failure of the server, of a connection, of the pool, or of decoding a result.
///
/// An error never contains parameters. But the server may quote stored values in `detail` ("Key (id)=(5) already
/// exists"), so `detail` belongs in an operator's log, not in a reply. `description` omits it.
public struct PostgresError: Error, Sendable, Hashable {
    /// The kind of failure.
    public enum Code: Sendable, Hashable {
        /// The server refused a statement; the connection stays usable.
        case server(SQLState)
        /// No connection could be opened: bad connection string, server down, login refused.
        case connectFailed
        /// The connection broke while it was in use; whether a statement outside a transaction ran is unknown.
        case connectionLost
        /// The connection broke during COMMIT: the transaction is either complete or has left no trace.
        case commitUnknown
        /// No connection became free before the deadline, or too many callers wait already.
        case poolExhausted
        /// The pool was closed.
        case poolClosed
        /// The calling task was cancelled; the statement was stopped on the server.
        case cancelled
        /// libpq or the server sent an answer that this client cannot use.
        case protocolViolation
        /// A value has another type than requested, or is NULL.
        case decode
    }

    /// The kind of failure.
    public var code: Code
    /// One line of text: the server's primary message, or this client's own.
    public var message: String
    /// The server's detail, which may quote stored values.
    public var detail: String?
    /// The server's hint.
    public var hint: String?
    /// The constraint that refused the row.
    public var constraint: String?
    /// The table that the failure concerns.
    public var table: String?
    /// The column that the failure concerns.
    public var column: String?
    /// The name of the statement that failed.
    public var statement: String?
    /// The index of the failed statement in a pipeline, from 0.
    public var batchIndex: Int?

    /// Makes an error with a code and a message.
    public init(_ code: Code, _ message: String, statement: String? = nil) {
        self.code = code
        self.message = message
        self.statement = statement
    }

    /// The server's condition code, nil for failures that the server did not report.
    public var sqlState: SQLState? {
        guard case .server(let state) = code else { return nil }
        return state
    }
}

extension PostgresError: CustomStringConvertible {
    /// Code, message, constraint and statement; without `detail`.
    public var description: String {
        var text = "\(code): \(message)"
        if let constraint { text += " (constraint \(constraint))" }
        if let statement { text += " in statement \(statement)" }
        if let batchIndex { text += " at \(batchIndex) of its batch" }
        return text
    }
}

/// An error type that can carry a failure of the database, so that `Pool` can throw a caller's own type.
public protocol PostgresErrorConvertible: Error, Sendable {
    /// Wraps a failure of the database.
    init(_ error: PostgresError)
}

extension PostgresError: PostgresErrorConvertible {
    /// The same error.
    public init(_ error: PostgresError) {
        self = error
    }
}
