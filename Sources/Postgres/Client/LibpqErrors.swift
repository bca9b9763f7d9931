// Reads the errors of libpq: makes a PostgresError of a PGresult or a PGconn.

import CPostgres

extension ResultMemory {
    /// The error that a failed result describes.
    var error: PostgresError {
        guard let state = field(.sqlState) else {
            return PostgresError(.protocolViolation, message)
        }
        let code = SQLState(rawValue: state)
        var error = PostgresError(.server(code), field(.message) ?? message)
        error.detail = field(.detail)
        error.hint = field(.hint)
        error.constraint = field(.constraint)
        error.table = field(.table)
        error.column = field(.column)
        return error
    }
}

extension Connection {
    /// What libpq says about the connection.
    func linkError() -> PostgresError {
        let message = unsafe PQerrorMessage(link).map { unsafe String(cString: $0) } ?? ""
        return PostgresError(isBroken ? .connectionLost : .protocolViolation, message.oneLine)
    }

    /// The failure of a connection that broke, with the server's reason if it gave one.
    func lost(_ cause: PostgresError?) -> PostgresError {
        var error = cause ?? linkError()
        error.code = .connectionLost
        return error
    }

    /// Turns a statement that was stopped on request into `.cancelled` and remembers the first failure.
    func note(_ error: PostgresError) -> PostgresError {
        var error = error
        if error.sqlState == .queryCanceled && interrupt.isRequested { error.code = .cancelled }
        if failure == nil { failure = error }
        return error
    }
}

extension String {
    /// The text without line breaks at its ends and with spaces for those within.
    var oneLine: String {
        split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
