// What others do while history is dropped.

import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Retention beside others")
struct RetentionInterleavingTests {
    private static let root = #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#

    /// Runs `body` with a root of one record in four versions, of which one is current.
    private static func withHistory(_ body: @escaping (World, FeatureKey) async throws -> Void) async throws {
        try await World.with(connections: 6) { world in
            try await world.push([root])
            for version in 1...4 { try await world.write("root", [("a", ["x": "\(version)"])]) }
            try await body(world, try #require(FeatureKey("root")))
            #expect(try await world.mismatches() == [])
        }
    }

    private static func count(_ world: World, _ sql: String) async throws -> Int64 {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(Statement("test_count", sql, prepare: false)).first?.int8(0) ?? 0
        }
    }

    private static func wait(_ world: World, until sql: String) async throws {
        while try await count(world, sql) == 0 { await Task.yield() }
    }

    private static func versions(_ world: World) async throws -> Int64 {
        try await count(world, "SELECT count(*) FROM lineage")
    }

    /// Holds a transaction open that has run `sql`, until `body` has ended.
    private static func holding<T>(
        _ world: World, _ isolation: Isolation, _ sql: String, then last: String, _ body: () async throws -> T
    ) async throws -> (result: T, last: Int64) {
        let gate = Pool(PoolConfiguration(connectionString: world.database.connectionString, size: 1))
        try await gate.withConnection { (connection) throws(PostgresError) in
            try connection.script("SELECT pg_advisory_lock(77)")
        }
        async let transaction: Int64 = world.pool.transaction(isolation: isolation) {
            (connection) throws(PostgresError) in
            try connection.script(sql)
            try connection.script("SELECT pg_advisory_xact_lock(77)")
            return try connection.query(Statement("test_last", last, prepare: false)).first?.int8(0) ?? 0
        }
        try await wait(
            world, until: "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted")
        let result = try await body()
        await gate.close()
        return (result, try await transaction)
    }

    /// A table that is built and not part of a lineage yet.
    private static let built = """
        SELECT count(*) FROM pg_class WHERE relname LIKE 'lineage_1_%' AND relkind = 'r' AND NOT relispartition
        """

    private static func retention(_ world: World, _ root: FeatureKey) -> Task<RetentionOutcome, any Error> {
        Task { try await world.metaxy.history.retain(root, versions: 1, days: nil, isDryRun: false, writer: Writer()) }
    }

    @Test("who reads as of before sees all that was there; what is written or erased meanwhile is so afterwards")
    func readers() async throws {
        try await Self.withHistory { world, root in
            try await world.write("root", [("b", ["x": "1"])])
            let (retention, seen) = try await Self.holding(
                world, .repeatableRead, "SELECT count(*) FROM feature", then: "SELECT count(*) FROM lineage"
            ) {
                let retention = Self.retention(world, root)
                try await Self.wait(world, until: Self.built)
                // The new table has a's version that is superseded now, and the payload of b that is erased now.
                try await world.write("root", [("a", ["x": "5"])])
                let erased = try await world.metaxy.records.erase(
                    root, filters: [Filter("id = 'b'")], isDryRun: false, writer: Writer())
                #expect(erased == 1)
                do {
                    _ = try await world.metaxy.history.retain(
                        root, versions: 1, days: nil, isDryRun: true, writer: Writer())
                    Issue.record("two ran at a time")
                } catch {
                    guard case ServiceError.conflict = error else { throw error }
                }
                return retention
            }
            #expect(seen == 5)
            let outcome = try await retention.value
            #expect(outcome.dropped == 3)
            // Of a the version that was current and the one written meanwhile, of b the emptied one and its tombstone.
            #expect(try await Self.versions(world) == 4)
            let payloads = "SELECT count(*) FROM lineage WHERE kind <> 3 AND provenance IS NOT NULL"
            #expect(try await Self.count(world, payloads) == 2)
        }
    }

    @Test("what a transaction has written that began before and commits meanwhile is all there")
    func writers() async throws {
        try await Self.withHistory { world, root in
            let write = """
                INSERT INTO operation (at, kind, position) SELECT now(), 'records_written', 0;
                INSERT INTO lineage_1 (entry, rid, definition_id, operation_id, written_at, feature_id, kind, provenance, metadata)
                SELECT nextval('lineage_entry_sequence'), rid, definition_id, (SELECT max(id) FROM operation), now(), 1, 0,
                       ARRAY['9'], '{}' FROM head_1;
                UPDATE head_1 SET entry = (SELECT max(entry) FROM lineage_1), provenance = ARRAY['9'], fingerprint = NULL
                """
            let (retention, entry) = try await Self.holding(
                world, .readCommitted, write, then: "SELECT max(entry) FROM lineage_1"
            ) {
                let retention = Self.retention(world, root)
                // It waits for the writer, and lets others through in between.
                try await Self.wait(
                    world,
                    until: """
                        SELECT count(*) FROM pg_stat_activity
                        WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE lineage_1_0 ADD CONSTRAINT%'
                        """)
                try await world.write("root", [("b", ["x": "1"])])
                return retention
            }
            #expect(try await retention.value.dropped == 4)
            #expect(try await Self.count(world, "SELECT count(*) FROM lineage WHERE entry = \(entry)") == 1)
            #expect(try await Self.versions(world) == 2)
        }
    }

    @Test("what a run leaves that broke off is taken away, and the next one does its work", arguments: 0..<3)
    func brokenOff(step: Int) async throws {
        try await Self.withHistory { world, root in
            try await world.pool.transaction { (connection) throws(StoreError) in
                let parts = LineageParts(connection, feature: 1)
                let newest = try parts.all()[0]
                let bound = try parts.gate(newest)
                guard step > 0 else { return }
                try parts.close(newest)
                try parts.roll(newest, at: bound)
            }
            if step == 2 {
                try await world.pool.transaction(isolation: .repeatableRead) { (connection) throws(StoreError) in
                    let bound = try LineageParts(connection, feature: 1).all()[1].first ?? 0
                    let versions = DroppableVersions(connection)
                    _ = try versions.find(in: [1], RetentionRule(versions: 1, since: nil), below: bound)
                    _ = try LineageParts(connection, feature: 1).build(below: bound)
                    try versions.discard([1])
                }
            }
            #expect(try await Self.versions(world) == 4)
            try await world.metaxy.history.cleanRetentions()
            let left = """
                SELECT count(*) FROM pg_constraint WHERE conname LIKE '%_gate'
                UNION ALL \(Self.built) ORDER BY 1 DESC
                """
            #expect(try await Self.count(world, left) == 0)
            // The bound that was left would be in the way of entries beyond it.
            try await world.script(
                "SELECT setval('lineage_entry_sequence', last_value + 5000000000) FROM lineage_entry_sequence")
            try await world.write("root", [("a", ["x": "5"])])
            #expect(
                try await world.metaxy.history.retain(root, versions: 1, days: nil, isDryRun: false, writer: Writer())
                    .dropped
                    == 4)
            #expect(try await Self.versions(world) == 1)
        }
    }

    @Test("somebody who never ends is not waited for without end: nothing is dropped, and all goes on")
    func patience() async throws {
        try await Self.withHistory { world, root in
            let (refusal, _) = try await Self.holding(
                world, .repeatableRead, "SELECT count(*) FROM lineage", then: "SELECT count(*) FROM lineage"
            ) {
                do {
                    _ = try await world.metaxy.history.retain(
                        root, versions: 1, days: nil, isDryRun: false, writer: Writer(), tries: 3)
                    return ServiceError?.none
                } catch {
                    return error as? ServiceError
                }
            }
            guard case .conflict? = refusal else {
                Issue.record("\(String(describing: refusal))")
                return
            }
            #expect(try await Self.versions(world) == 4)
            #expect(try await Self.count(world, Self.built) == 0)
        }
    }
}
