// TestDatabase: fresh databases, and copies of prepared ones.

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct TestDatabaseTests {
    @Test func databases_are_empty_and_apart() async throws {
        try await withPool { first, _ in
            try await first.script("CREATE TABLE t (n int8)")
            try await withPool { second, _ in
                let tables = try await second.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
                #expect(tables.isEmpty)
            }
        }
    }

    @Test func a_template_is_prepared_once_and_copied() async throws {
        let preparations = Mutex(0)
        for _ in 0..<3 {
            try await TestDatabase.prepareTemplate(named: "numbers") { database in
                preparations.withLock { $0 += 1 }
                let pool = Pool(PoolConfiguration(connectionString: database.connectionString))
                try await pool.script("CREATE TABLE numbers AS SELECT generate_series(1, 10) AS n")
                await pool.close()
            }
            try await TestDatabase.with(template: "numbers") { database in
                let pool = Pool(PoolConfiguration(connectionString: database.connectionString))
                let rows = try await pool.rows("DELETE FROM numbers RETURNING n")
                #expect(rows.count == 10)
                await pool.close()
            }
        }
        #expect(preparations.withLock { $0 } == 1)
    }

    @Test func a_dropped_database_is_gone() async throws {
        let database = try await TestDatabase.create()
        try await database.drop()
        var configuration = PoolConfiguration(connectionString: database.connectionString, size: 1)
        // Long enough for one attempt to fail on a machine that is busy with other things.
        configuration.waitDeadline = .seconds(3)
        let pool = Pool(configuration)
        let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
        #expect(error?.code == .connectFailed)
        await pool.close()
    }
}
