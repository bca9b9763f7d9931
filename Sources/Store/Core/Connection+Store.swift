// Statements run for the store: results decoded row by row, failures turned into the store's own.

import Postgres

extension Connection {
    /// Runs a statement and returns its rows. Debug builds check the types of a named statement.
    func read(_ statement: Statement, _ parameters: [Parameter]) throws(PostgresError) -> Rows {
        assert(NamedStatement.accepts(parameters, for: statement), "\(statement.name) has other parameters")
        let rows = try query(statement, parameters)
        assert(
            NamedStatement.accepts(columns: rows.columnCount, of: statement), "\(statement.name) has other columns")
        return rows
    }

    /// Runs a statement and decodes each row of its result.
    func rows<T>(
        _ statement: Statement, _ parameters: [Parameter] = [], _ decode: (Row) throws(PostgresError) -> T
    ) throws(StoreError) -> [T] {
        do { return try read(statement, parameters).decoded(decode) } catch { throw StoreError(error) }
    }

    /// Runs a statement whose result is at most one row.
    func row<T>(
        _ statement: Statement, _ parameters: [Parameter] = [], _ decode: (Row) throws(PostgresError) -> T
    ) throws(StoreError) -> T? {
        try rows(statement, parameters, decode).first
    }

    /// Runs a statement for its effect.
    ///
    /// - Returns: the number of rows that it changed.
    @discardableResult
    func run(_ statement: Statement, _ parameters: [Parameter] = []) throws(StoreError) -> Int {
        do { return try read(statement, parameters).affectedRows } catch { throw StoreError(error) }
    }

    /// Runs a statement for its effect, with the next one or with COMMIT: it costs no round trip.
    func runLater(_ statement: Statement, _ parameters: [Parameter] = []) throws(StoreError) {
        assert(NamedStatement.accepts(parameters, for: statement), "\(statement.name) has other parameters")
        do { try post(statement, parameters) } catch { throw StoreError(error) }
    }
}

extension Rows {
    /// The result of `decode` for each row.
    func decoded<T>(_ decode: (Row) throws(PostgresError) -> T) throws(PostgresError) -> [T] {
        var result: [T] = []
        result.reserveCapacity(count)
        for row in self { result.append(try decode(row)) }
        return result
    }
}
