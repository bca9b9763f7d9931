// Statements run for the store: results decoded row by row, failures turned into the store's own.

import Postgres

extension Connection {
    /// Runs a statement and decodes each row of its result.
    func rows<T>(
        _ statement: Statement, _ parameters: [Parameter] = [], _ decode: (Row) throws(PostgresError) -> T
    ) throws(StoreError) -> [T] {
        do { return try query(statement, parameters).decoded(decode) } catch { throw StoreError(error) }
    }

    /// Runs a statement whose result is at most one row.
    func row<T>(
        _ statement: Statement, _ parameters: [Parameter] = [], _ decode: (Row) throws(PostgresError) -> T
    ) throws(StoreError) -> T? {
        try rows(statement, parameters, decode).first
    }

    /// Runs a statement for its effect.
    ///
    /// - Returns: how many rows it touched.
    @discardableResult
    func run(_ statement: Statement, _ parameters: [Parameter] = []) throws(StoreError) -> Int {
        do { return try execute(statement, parameters) } catch { throw StoreError(error) }
    }

    /// Runs a statement for its effect, with the next one or with COMMIT: it costs no round trip.
    func runLater(_ statement: Statement, _ parameters: [Parameter] = []) throws(StoreError) {
        do { try post(statement, parameters) } catch { throw StoreError(error) }
    }
}

extension Rows {
    /// What `decode` makes of each row.
    func decoded<T>(_ decode: (Row) throws(PostgresError) -> T) throws(PostgresError) -> [T] {
        var result: [T] = []
        result.reserveCapacity(count)
        for row in self { result.append(try decode(row)) }
        return result
    }
}
