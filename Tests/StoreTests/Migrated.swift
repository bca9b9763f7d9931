// Freshly migrated databases for the tests of the store.

import Postgres
import Store
import TestSupport

/// A freshly migrated database and a pool on it.
struct Migrated {
    let pool: Pool
    let database: TestDatabase

    /// Runs `body` with a freshly migrated database.
    static func with<T>(_ body: (Migrated) async throws -> T) async throws -> T {
        try await TestDatabase.prepareTemplate(named: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            _ = try await pool.transaction { (connection) throws(StoreError) in try Migrator(connection).migrate() }
            await pool.close()
        }
        return try await TestDatabase.with(template: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 4))
            do {
                let result = try await body(Migrated(pool: pool, database: database))
                await pool.close()
                return result
            } catch {
                await pool.close()
                throw error
            }
        }
    }

    /// Runs SQL as the service's own role.
    func script(_ sql: String) async throws {
        try await pool.withConnection { (connection) throws(PostgresError) in try connection.script(sql) }
    }

    /// The first column of a query's rows, as text.
    func texts(_ sql: String) async throws -> [String] {
        try await pool.withConnection { (connection) throws(PostgresError) in
            var texts: [String] = []
            for row in try connection.query(Statement("texts", sql, prepare: false)) { texts.append(try row.text(0)) }
            return texts
        }
    }
}
