// History that nothing needs is dropped, and nothing else is.

import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Retention")
struct RetentionTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#,
        #"{"key":"middle","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"m"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"middle"}],"fields":[{"key":"y"}]}"#,
    ]

    /// Runs `body` with a root of which version 1 went into the leaf, 2 into the middle only, and 3 and 4 into nothing.
    private static func withHistory(_ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push(graph)
            try await world.write("root", [("a", ["x": "1"]), ("b", ["x": "1"])])
            try await world.work("middle")
            try await world.work("leaf")
            try await world.write("root", [("a", ["x": "2"])])
            try await world.work("middle")
            try await world.write("root", [("a", ["x": "3"])])
            try await world.write("root", [("a", ["x": "4"])])
            try await body(world)
            #expect(try await world.mismatches() == [])
        }
    }

    private static func retain(
        _ world: World, _ feature: String = "root", versions: Int? = 1, days: Int? = nil, isDryRun: Bool = false
    ) async throws -> RetentionOutcome {
        try await world.metaxy.history.retain(
            try #require(FeatureKey(feature)), versions: versions, days: days, isDryRun: isDryRun, writer: Writer())
    }

    private static func trace(_ world: World, asOf time: Int64? = nil) async throws -> Trace {
        var query = TraceQuery(feature: try #require(FeatureKey("leaf")), key: RecordKey([.string("a")]))
        query.asOf = time
        return try await world.metaxy.history.trace(query)
    }

    private static func history(_ world: World, _ feature: String = "root") async throws -> RecordPage {
        var query = RecordQuery(feature: try #require(FeatureKey(feature)), limit: 100)
        query.hasHistory = true
        return try await world.metaxy.records.list(query)
    }

    @Test(
        "what current versions downstream were made from stays, level by level, until they are made from something else"
    )
    func ancestors() async throws {
        try await Self.withHistory { world in
            let before = try await Self.trace(world)
            let dry = try await Self.retain(world, isDryRun: true)
            // The leaf has version 1 by way of a middle that is superseded, the middle version 2; a and b have a head each.
            #expect(dry.dropped == 1 && dry.kept == 4 && dry.horizon != nil)
            #expect(try await Self.history(world).records.count == 5)
            #expect(try await Self.retain(world) == dry)
            #expect(try await Self.history(world).records.count == 4)
            let after = try await Self.trace(world)
            #expect(after.nodes.map(\.entry) == before.nodes.map(\.entry) && after.edges == before.edges)
            #expect(after.thinned.map(\.feature.description) == ["root"] && after.thinned[0].dropped == [])
            #expect(try await Self.retain(world, "middle").dropped == 0)

            try await world.work("middle")
            try await world.work("leaf")
            let last = try await Self.retain(world)
            #expect(last.dropped == 2 && last.kept == 2)
            // Versions of the middle that nothing needs either say that what they were made from is gone.
            let middle = try await Self.history(world, "middle")
            #expect(middle.records.count == 4 && middle.horizon == nil)
            let old = try #require(middle.records.first)
            var query = TraceQuery(feature: try #require(FeatureKey("middle")), key: old.key)
            query.asOf = old.writtenAt
            let thinned = try await world.metaxy.history.trace(query).thinned
            #expect(thinned.map(\.feature.description) == ["root"] && thinned[0].dropped.count == 1)
            #expect(try await Self.retain(world, "middle").dropped == 2)
        }
    }

    @Test("rules keep more: the newest versions of each record, and what was current lately")
    func rules() async throws {
        try await Self.withHistory { (world) async throws -> Void in
            #expect(try await Self.retain(world, versions: 2, isDryRun: true).dropped == 0)
            #expect(try await Self.retain(world, versions: nil, days: 1, isDryRun: true).dropped == 0)
            #expect(try await Self.retain(world, versions: nil, days: 0, isDryRun: true).dropped == 1)
            #expect(try await Self.retain(world, versions: 1, days: 1, isDryRun: true).dropped == 0)
            #expect(try await Self.retain(world, versions: 1, days: 0).dropped == 1)
        }
    }

    @Test("a moment before the horizon is refused, and lists of versions say that some may be missing")
    func horizon() async throws {
        try await Self.withHistory { world in
            let third = try await Self.history(world).records.sorted { $0.writtenAt < $1.writtenAt }[3].writtenAt
            let horizon = try #require(try await Self.retain(world).horizon)
            #expect(horizon > third)
            var query = RecordQuery(feature: try #require(FeatureKey("root")), limit: 10)
            query.asOf = horizon
            #expect(try await world.metaxy.records.list(query).records.count == 2)
            query.asOf = horizon - 1
            await #expect(throws: ServiceError.historyDropped(query.feature, horizon: horizon)) {
                try await world.metaxy.records.list(query)
            }
            var trace = TraceQuery(feature: query.feature, key: RecordKey([.string("a")]))
            trace.asOf = third
            await #expect(throws: ServiceError.historyDropped(query.feature, horizon: horizon)) {
                try await world.metaxy.history.trace(trace)
            }
            #expect(try await Self.history(world).horizon == horizon)
            #expect(try await Self.trace(world, asOf: third).nodes.count == 3)
        }
    }

    /// How the database refuses a statement; nil where it does not.
    private static func refusal(_ pool: Pool, _ sql: String) async throws -> SQLState? {
        do throws(PostgresError) {
            try await pool.withConnection { (connection) throws(PostgresError) in try connection.script(sql) }
            return nil
        } catch {
            return error.sqlState
        }
    }

    @Test("the new table is as append-only as the old one, and takes new versions")
    func appendOnly() async throws {
        try await Self.withHistory { world in
            _ = try await Self.retain(world)
            for sql in [
                "DELETE FROM lineage", "UPDATE lineage SET kind = 1", "TRUNCATE lineage",
                "DELETE FROM lineage_1_2", "UPDATE lineage_1_2 SET kind = 1", "TRUNCATE lineage_1_2",
                "DELETE FROM lineage_1_1", "TRUNCATE lineage_1_1",
            ] {
                #expect(try await Self.refusal(world.pool, sql) == .insufficientPrivilege, "\(sql)")
            }
            let administrator = Pool(
                PoolConfiguration(connectionString: world.database.administratorConnectionString, size: 1))
            for sql in ["DELETE FROM lineage_1_2", "UPDATE lineage_1_2 SET kind = 1"] {
                #expect(try await Self.refusal(administrator, sql) == .insufficientPrivilege, "\(sql)")
            }
            await administrator.close()
            try await world.write("root", [("a", ["x": "5"]), ("c", ["x": "1"])])
            #expect(try await Self.history(world).records.count == 6)
            try await world.work("middle")
            try await world.work("leaf")
            #expect(try await Self.trace(world).nodes.count == 3)
        }
    }

    @Test("a unit whose earlier records may be gone is not brought back from them, but computed again")
    func expansion() async throws {
        try await World.with { world in
            func frames(_ code: Int) -> String {
                """
                {"key":"frames","id_columns":["n","id"],"deps":[{"feature":"root",\
                "lineage":{"relationship":{"type":"1:N","on":["id"]}}}],"fields":[{"key":"f","code_version":"\(code)"}]}
                """
            }
            func expand() async throws {
                let batch = try #require(try await world.claim("frames"))
                let units = batch.records.map { record in
                    UnitResult(
                        place: .pointer(""), key: record.key,
                        records: (0..<2).map { n in
                            RecordRow(
                                place: .pointer(""), key: RecordKey([.integer(n), record.key.values[0]]),
                                metadata: Array("{}".utf8), provenance: nil, dataVersions: nil)
                        })
                }
                _ = try await world.metaxy.claims.complete(
                    claim: batch.claim.id, token: batch.claim.token, units: units, writer: Writer())
            }
            try await world.push([Self.graph[0], frames(1)])
            try await world.write("root", [("a", ["x": "1"])])
            try await expand()
            try await world.push([Self.graph[0], frames(2)])
            try await expand()
            // A record that was deleted and restored has two versions more than its unit: of these, the first two go.
            #expect(try await world.delete("frames", "n = 0") == 1)
            let key = try #require(FeatureKey("frames"))
            let restored = try await world.metaxy.records.restore(key, filters: [Filter("n = 0")], writer: Writer())
            #expect(restored == 1)
            let outcome = try await Self.retain(world, "frames", versions: 2)
            #expect(outcome.dropped == 2 && outcome.kept == 6)
            try await world.push([Self.graph[0], frames(1)])
            let again = try await world.claim("frames")
            #expect(again?.records.count == 1)
        }
    }
}
