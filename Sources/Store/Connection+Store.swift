// Statements run for the store: results decoded row by row, failures turned into the store's own.

import Postgres

extension Connection {
    /// Runs a statement and decodes each row of its result.
    func rows<T>(
        _ statement: Statement, _ parameters: [Parameter] = [], _ decode: (Row) throws(PostgresError) -> T
    ) throws(StoreError) -> [T] {
        do {
            let rows = try query(statement, parameters)
            var result: [T] = []
            result.reserveCapacity(rows.count)
            for row in rows { result.append(try decode(row)) }
            return result
        } catch {
            throw StoreError(error)
        }
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
