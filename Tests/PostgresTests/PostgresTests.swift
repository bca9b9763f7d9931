// The first words with a server.

import Postgres
import TestSupport
import Testing

@Test func a_query_returns_its_rows() async throws {
    try await TestDatabase.with { database in
        let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 2))
        let rows = try await pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(
                Statement("numbers", "SELECT n FROM generate_series($1, $2) AS n"), [.int8(1), .int8(3)])
        }
        #expect(try rows.map { (row) throws(PostgresError) in try row.int8(0) } == [1, 2, 3])
        await pool.close()
    }
}
