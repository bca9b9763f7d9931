// Two installations in one database: each keeps to its own schema, whatever that is called.

import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Schemas")
struct SchemaNameTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y"}]}"#,
    ]

    @Test(
        "writes, work, erasures, retention and verification touch one schema only", arguments: ["My Schema", "second"])
    func neighbours(_ schema: String) async throws {
        try await World.with { world in
            try await Self.fill(world)
            let before = try await Self.rows(of: world)
            try await world.withNeighbour(inSchema: schema) { neighbour in
                try await Self.fill(neighbour)
                let feature = try #require(FeatureKey("root"))
                let isA = try Filter("id = 'a'")
                let erased = try await neighbour.metaxy.records.erase(
                    feature, filters: [isA], isDryRun: false, writer: Writer())
                #expect(erased == 1)
                #expect(
                    try await neighbour.metaxy.records.delete(feature, filters: [], isDryRun: false, writer: Writer())
                        == 1)
                let outcome = try await neighbour.metaxy.history.retain(
                    feature, versions: 1, days: nil, isDryRun: false, writer: Writer())
                #expect(outcome.dropped > 0)
                try await neighbour.metaxy.history.cleanRetentions()
                #expect(try await neighbour.mismatches() == [])
                let payloads = try await neighbour.texts(
                    "SELECT count(*)::text FROM lineage WHERE metadata IS NULL")
                #expect(payloads == ["1"])
            }
            #expect(try await Self.rows(of: world) == before)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a role that may not make temporary tables can drop history")
    func withoutTemporaryTables() async throws {
        try await World.with { world in
            try await Self.fill(world)
            let administrator = Pool(
                PoolConfiguration(connectionString: world.database.administratorConnectionString, size: 1))
            try await administrator.withConnection { (connection) throws(PostgresError) in
                try connection.script(
                    """
                    DO $$ BEGIN
                        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(),
                            (SELECT r.rolname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
                             WHERE d.datname = current_database()));
                    END $$
                    """)
            }
            await administrator.close()
            let feature = try #require(FeatureKey("root"))
            let may = try await world.texts("SELECT has_database_privilege(current_database(), 'TEMPORARY')::text")
            #expect(may == ["false"])
            let outcome = try await world.metaxy.history.retain(
                feature, versions: 1, days: nil, isDryRun: false, writer: Writer())
            #expect(outcome.dropped == 2)
            let left = try await world.texts(
                "SELECT relname::text FROM pg_class WHERE relname ~ '^(superseded|retention_)'")
            #expect(left == [])
        }
    }

    /// Two records of the root with two versions each, of which nothing needs the first.
    private static func fill(_ world: World) async throws {
        try await world.push(graph)
        try await world.write("root", [("a", ["x": "1"]), ("b", ["x": "1"])])
        try await world.write("root", [("a", ["x": "2"]), ("b", ["x": "2"])])
        try await world.work("leaf")
    }

    /// All lineage and what is noted of erasures.
    private static func rows(of world: World) async throws -> [String] {
        try await world.texts(
            """
            SELECT l::text FROM lineage l UNION ALL SELECT e::text FROM erasure e UNION ALL SELECT o::text FROM operation o
            ORDER BY 1
            """)
    }
}
