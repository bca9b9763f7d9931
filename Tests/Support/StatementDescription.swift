// StatementDescription: the types that PostgreSQL infers for a statement.

import CPostgres

/// A session that describes statements without running them.
public final class StatementDescriber {
    /// The types of the parameters and of the columns, in PostgreSQL's words; or the server's refusal.
    public enum Description: Equatable, Sendable {
        /// The types.
        case types(parameters: [String], columns: [String])
        /// The message of the server.
        case refused(String)
    }

    private let link: OpaquePointer

    /// Opens a session.
    public init(connectionString: String) {
        link = PQconnectdb(connectionString)
        precondition(PQstatus(link) == CONNECTION_OK, "cannot connect: \(String(cString: PQerrorMessage(link)))")
    }

    deinit {
        PQfinish(link)
    }

    /// Runs a script.
    public func script(_ sql: String) {
        let result = PQexec(link, sql)
        defer { PQclear(result) }
        precondition(
            PQresultStatus(result) == PGRES_COMMAND_OK, "the script failed: \(String(cString: PQerrorMessage(link)))")
    }

    /// Prepares a statement without saying the types of its parameters, and reads what the server infers.
    public func describe(_ sql: String) -> Description {
        let prepared = PQprepare(link, "", sql, 0, nil)
        defer { PQclear(prepared) }
        guard PQresultStatus(prepared) == PGRES_COMMAND_OK else {
            return .refused(String(cString: PQresultErrorMessage(prepared)))
        }
        let found = PQdescribePrepared(link, "")
        defer { PQclear(found) }
        let parameters = (0..<PQnparams(found)).map { PQparamtype(found, $0) }
        let columns = (0..<PQnfields(found)).map { PQftype(found, $0) }
        return .types(parameters: parameters.map(name), columns: columns.map(name))
    }

    private func name(_ type: Oid) -> String {
        let result = PQexec(
            link, "SELECT replace(\(type)::oid::regtype::text, 'timestamp with time zone', 'timestamptz')")
        defer { PQclear(result) }
        return String(cString: PQgetvalue(result, 0, 0))
    }
}
