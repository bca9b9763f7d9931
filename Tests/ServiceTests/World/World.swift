// A service over a fresh database, and short ways to use it.

import Feature
import JSON
import Postgres
import Service
import Store
import TestSupport
import Testing

/// A service over a database of its own.
struct World {
    let metaxy: Metaxy
    let pool: Pool
    let database: TestDatabase

    /// Runs `body` with a service over a freshly migrated database.
    static func with<T>(connections: Int = 4, _ body: (World) async throws -> T) async throws -> T {
        try await TestDatabase.prepareTemplate(named: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            _ = try await pool.transaction { (connection) throws(StoreError) in try Migrator(connection).migrate() }
            await pool.close()
        }
        return try await TestDatabase.with(template: "migrated") { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: connections))
            let world = World(metaxy: Metaxy(pool: pool, random: { 0.5 }), pool: pool, database: database)
            do {
                let result = try await body(world)
                await pool.close()
                return result
            } catch {
                await pool.close()
                throw error
            }
        }
    }

    /// Runs `body` with a second service over the same database, whose tables are in a schema of their own.
    func withNeighbour<T>(inSchema schema: String, _ body: (World) async throws -> T) async throws -> T {
        try await script("CREATE SCHEMA \"\(schema)\"")
        let database = database.looking(into: schema)
        let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 4))
        do {
            _ = try await pool.transaction { (connection) throws(StoreError) in try Migrator(connection).migrate() }
            let result = try await body(
                World(metaxy: Metaxy(pool: pool, random: { 0.5 }), pool: pool, database: database))
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }

    /// Pushes features given as JSON specs.
    @discardableResult
    func push(_ specs: [String], project: String = "p") async throws -> PushOutcome {
        let features = try specs.map { text in
            (spec: try FeatureSpec(json: try JSONValue(parsing: Array(text.utf8)), at: ""), schema: JSONValue?.none)
        }
        return try await metaxy.graph.push(GraphPush(project: project, features: features))
    }

    /// Writes records of a root with one string id: id → versions by field.
    @discardableResult
    func write(_ feature: String, _ rows: [(String, [String: String])]) async throws -> WriteOutcome {
        let key = try #require(FeatureKey(feature))
        let shape = try await metaxy.records.shape(of: key)
        let records = rows.enumerated().map { index, row in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.string(row.0)]), metadata: Array("{}".utf8),
                provenance: row.1, dataVersions: nil)
        }
        return try await metaxy.put(records, shape: shape, writer: Writer())
    }

    /// The increment of a feature: kind → ids.
    func resolve(_ feature: String) async throws -> [IncrementKind: [String]] {
        let key = try #require(FeatureKey(feature))
        let page = try await metaxy.increments.resolve(
            IncrementQuery(feature: key, kinds: Set(IncrementKind.allCases), limit: 1_000))
        var result: [IncrementKind: [String]] = [:]
        for record in page.records { result[record.kind, default: []].append(text(record.key)) }
        return result
    }

    /// Claims up to `limit` units and completes them, until there is nothing more to claim.
    @discardableResult
    func work(_ feature: String, limit: Int = 100) async throws -> [String] {
        var done: [String] = []
        while let batch = try await claim(feature, limit: limit) {
            try await complete(batch)
            done += batch.records.map { text($0.key) }
        }
        return done
    }

    /// Completes a whole batch.
    @discardableResult
    func complete(_ batch: ClaimedBatch) async throws -> CompletionOutcome {
        let rows = batch.records.enumerated().map { index, record in
            RecordRow(
                place: .line(index + 1), key: record.key, metadata: Array("{}".utf8), provenance: nil,
                dataVersions: nil)
        }
        return try await metaxy.claims.complete(
            claim: batch.claim.id, token: batch.claim.token, rows: rows, writer: Writer())
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

    /// Claims up to `limit` units.
    func claim(_ feature: String, limit: Int = 100) async throws -> ClaimedBatch? {
        try await metaxy.claims.claim(
            ClaimRequest(features: [try #require(FeatureKey(feature))], worker: "w", limit: limit))
    }

    /// The first id of a key, as text.
    func text(_ key: RecordKey) -> String {
        guard case .string(let text)? = key.values.first else { return "" }
        return text
    }
}
