// The five-character SQLSTATE codes of PostgreSQL.

/// A server condition code of five characters, as `23505`.
///
/// Source: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
public struct SQLState: RawRepresentable, Hashable, Sendable {
    /// The five characters as the server sent them.
    public let rawValue: String

    /// Wraps a code; any text is accepted, because servers may define their own.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The first two characters, which name the class of the condition (`23`: integrity constraint violation).
    public var conditionClass: Substring {
        rawValue.prefix(2)
    }

    /// Whether running the whole transaction again may succeed: `40001` and `40P01`.
    public var isRetriable: Bool {
        self == .serializationFailure || self == .deadlockDetected
    }

    /// `23505`: a duplicate key.
    public static let uniqueViolation = SQLState(rawValue: "23505")
    /// `25006`: a write in a read-only transaction, or on a standby.
    public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
    /// `25P02`: the transaction has failed before and only accepts ROLLBACK.
    public static let inFailedSQLTransaction = SQLState(rawValue: "25P02")
    /// `26000`: a prepared statement that the server does not know.
    public static let invalidSQLStatementName = SQLState(rawValue: "26000")
    /// `40001`: serialisation failed; the transaction may be run again.
    public static let serializationFailure = SQLState(rawValue: "40001")
    /// `40P01`: this transaction was chosen to break a deadlock; it may be run again.
    public static let deadlockDetected = SQLState(rawValue: "40P01")
    /// `42501`: the role lacks the privilege.
    public static let insufficientPrivilege = SQLState(rawValue: "42501")
    /// `42601`: the SQL does not parse.
    public static let syntaxError = SQLState(rawValue: "42601")
    /// `42P01`: an unknown table.
    public static let undefinedTable = SQLState(rawValue: "42P01")
    /// `53100`: the server's disk is full.
    public static let diskFull = SQLState(rawValue: "53100")
    /// `53200`: the server is out of memory.
    public static let outOfMemory = SQLState(rawValue: "53200")
    /// `53300`: the server has no connection slot left.
    public static let tooManyConnections = SQLState(rawValue: "53300")
    /// `55P03`: a lock was not free (`NOWAIT`, or `lock_timeout` passed).
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
    /// `57014`: the statement was cancelled, by request or by `statement_timeout`.
    public static let queryCanceled = SQLState(rawValue: "57014")
    /// `57P01`: the server is shutting down, or an administrator ended the session.
    public static let adminShutdown = SQLState(rawValue: "57P01")
    /// `57P02`: another server process crashed and every session was ended.
    public static let crashShutdown = SQLState(rawValue: "57P02")
    /// `57P03`: the server is starting, stopping or recovering.
    public static let cannotConnectNow = SQLState(rawValue: "57P03")
    /// `0A000`: the server does not support the request, as a changed result type of a cached plan.
    public static let featureNotSupported = SQLState(rawValue: "0A000")
}

extension SQLState: CustomStringConvertible {
    /// The five characters.
    public var description: String { rawValue }
}
