// What a claim, its completion and a resolve cost under many up-to-date records: counted, not timed.

import Feature
import Foundation
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Costs", .serialized)
struct CostTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"""
        {"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}
        """#,
    ]
    private static let staleCount = 1_000
    private static let batch = 256

    @Test("a claim, its completion, a scrape and a resolve touch as much at a million records as at ten thousand")
    func doNotGrow() async throws {
        let small = try await Self.measure(records: 10_000, staleStep: 10)
        let large = try await Self.measure(records: 1_000_000, staleStep: 10)
        for name in ["claim", "complete", "scrape", "resolve"] {
            let before = try #require(small[name])
            let after = try #require(large[name])
            // A btree of a million keys is one level deeper than one of ten thousand.
            #expect(after.blocks <= before.blocks * 3 / 2 + 64, "\(name): \(before) and \(after)")
            #expect(after.scannedRows <= before.scannedRows + 64, "\(name): \(before) and \(after)")
        }
        // It costs lookups, no scan; nor does it of one record in ten, where reading whole tables might seem cheaper.
        let resolve = try #require(large["resolve"])
        #expect(resolve.blocks <= 24 * Self.staleCount && resolve.scannedRows <= 64, "resolve: \(resolve)")
    }

    @Test("where every stale record lies in a block of its own, the cost is still that of the batch")
    func areProportional() async throws {
        let spread = try await Self.measure(records: 1_000_000, staleStep: 1_000, plans: true)
        // A record costs six index lookups of three or four levels, and a row of its work block read and written.
        for (name, records) in [("claim", Self.batch), ("complete", Self.batch), ("resolve", Self.staleCount)] {
            let touched = try #require(spread[name])
            #expect(touched.blocks <= 48 * records, "\(name) of \(records) touched \(touched)")
        }
    }

    @Test("records that were just written are resolved without comparing each with each, before there are statistics")
    func needNoStatistics() async throws {
        let records = 10_000
        try await World.with(connections: 1) { world in
            try await world.push(Self.graph)
            try await world.write("root", (0..<records).map { (String($0), ["x": "1"]) })
            let leaf = try #require(FeatureKey("leaf"))
            let query = IncrementQuery(feature: leaf, kinds: [.new], limit: records)
            #expect(try await world.metaxy.increments.resolve(query).records.count == records)
            let plans = try await world.pool.withConnection { (connection) throws(PostgresError) in
                let sql = "SELECT name FROM pg_prepared_statements WHERE name LIKE 'identity_range%'"
                let names = try connection.query(Statement("prepared", sql, prepare: false))
                var lines: [String] = []
                for name in names {
                    let explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE \"\(try name.text(0))\"(0, 8191)"
                    for row in try connection.query(Statement("explain", explain, prepare: false)) {
                        lines.append(try row.text(0))
                    }
                }
                return lines
            }
            let removed = plans.filter { $0.contains("Rows Removed by Join Filter") }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
            #expect(!plans.isEmpty && removed.allSatisfy { $0 <= records }, "\(plans.joined(separator: "\n"))")
        }
    }

    @Test(
        "blocks are found by their index and no more of them than are wanted, whatever is known of the ready ones",
        arguments: ["", "VACUUM (ANALYZE) ready_block", "ANALYZE ready_block", "VACUUM (FULL, ANALYZE) ready_block"])
    func findBlocks(known: String) async throws {
        try await World.with(connections: 1) { world in
            try await world.push(Self.graph)
            try await world.write("root", [("a", ["x": "1"])])
            #expect(try await world.claim("leaf", limit: 1)?.records.count == 1)
            try await world.script(known)
            let found = try await Self.plan(world, "work_lock_ready", "2, '-infinity', -1, 1")
            #expect(found.contains("ready_block_since_index") && found.contains("work_pkey"), "\(found)")
            #expect(!found.contains("Sort") && !found.contains("Bitmap"), "\(found)")
            let left = try await Self.plan(world, "ready_block_leave", "'{2}', '{0}'")
            #expect(left.contains("ready_block_pkey") && !left.contains("Hash") && !left.contains("Seq"), "\(left)")
        }
    }

    /// The plan of a statement that the only session has prepared, as it is for any parameters.
    private static func plan(_ world: World, _ name: String, _ parameters: String) async throws -> String {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            try connection.script("SET plan_cache_mode = force_generic_plan")
            let prepared = "SELECT name FROM pg_prepared_statements WHERE name LIKE '\(name)%'"
            let statement = try connection.query(Statement("prepared", prepared, prepare: false)).single().text(0)
            let sql = "EXPLAIN (COSTS OFF) EXECUTE \"\(statement)\" (\(parameters))"
            return try connection.query(Statement("explain", sql, prepare: false))
                .map { row throws(PostgresError) in try row.text(0) }
        }.joined(separator: "\n")
    }

    @Test("a batch is analysed without counting what is in its arrays, which took as long as a thousand claims")
    func countNoElements() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await world.write("root", (0..<100).map { (String($0), ["x": "1"]) })
            #expect(try await world.claim("leaf")?.records.count == 100)
            let analysed = try await world.pool.withConnection { (connection) throws(PostgresError) in
                try connection.script("ANALYZE claim_batch")
                let sql = "SELECT attname::text FROM pg_stats WHERE tablename = 'claim_batch' ORDER BY attname"
                return try connection.query(Statement("analysed", sql, prepare: false))
                    .map { row throws(PostgresError) in try row.text(0) }
            }
            #expect(analysed == ["claim_id", "deps", "fields"])
        }
    }

    /// What statements touched, over all tables of the service.
    private struct Touched: CustomStringConvertible {
        /// Table, index and toast blocks, from the cache or not.
        var blocks = 0
        /// Rows read by scans of whole tables.
        var scannedRows = 0

        var description: String { "\(blocks) blocks and \(scannedRows) scanned rows" }
    }

    private static func measure(
        records: Int, staleStep: Int, plans: Bool = false
    ) async throws -> [String: Touched] {
        try await World.with(connections: 1) { world in
            try await world.push(graph)
            try await fill(world, records)
            try await makeStale(world, step: staleStep)
            // Once to warm the caches of the session, as every later request finds them.
            let first = try #require(try await world.claim("leaf", limit: 1))
            _ = try await world.metaxy.claims.release(claim: first.claim.id, token: first.claim.token)
            var touched: [String: Touched] = [:]
            var batch: ClaimedBatch?
            touched["claim"] = try await count(world) { batch = try await world.claim("leaf", limit: Self.batch) }
            let claimed = try #require(batch)
            #expect(claimed.records.count == Self.batch)
            touched["complete"] = try await count(world) { try await world.complete(claimed) }
            touched["scrape"] = try await count(world) {
                let figures = try #require(await world.metaxy.operations.storedFigures())
                #expect(figures.features.map(\.records) == [records, records])
            }
            touched["resolve"] = try await count(world) {
                let left = try await world.resolve("leaf")[.stale]?.count
                #expect(left == staleCount - Self.batch)
            }
            if plans { try await PlanFile.check(world) }
            return touched
        }
    }

    /// Fills both features with records that are up to date.
    private static func fill(_ world: World, _ records: Int) async throws {
        try await world.script(
            """
            INSERT INTO operation (at, position, kind) VALUES (now(), 0, 'records_written');
            INSERT INTO record_1 (rid, space_id, key, ids)
            SELECT i, 1, '\\x11'::bytea || int8send(i + (-9223372036854775807 - 1)), jsonb_build_array(i)
            FROM generate_series(0, \(records - 1)) i;
            SELECT setval('record_1_sequence', \(records - 1));
            INSERT INTO lineage_1 (entry, rid, definition_id, operation_id, written_at, feature_id, kind, provenance, metadata)
            SELECT nextval('lineage_entry_sequence'), i, 1, 1, now(), 1, 0, ARRAY['v' || i], '{}'
            FROM generate_series(0, \(records - 1)) i;
            INSERT INTO head_1 (rid, entry, definition_id, feature_id, state, provenance)
            SELECT rid, entry, definition_id, 1, 0, provenance FROM lineage_1;
            INSERT INTO lineage_2 (entry, rid, definition_id, operation_id, written_at, feature_id, kind, provenance, parents, metadata)
            SELECT nextval('lineage_entry_sequence'), h.rid, 2, 1, now(), 2, 1,
                   ARRAY[left(encode(sha256(convert_to('y|1|root.x|' || h.provenance[1], 'UTF8')), 'hex'), 32)],
                   ARRAY[h.entry], '{}'
            FROM head_1 h;
            INSERT INTO head_2 (rid, entry, definition_id, feature_id, state, provenance)
            SELECT rid, entry, definition_id, 2, 0, provenance FROM lineage_2;
            INSERT INTO presence (feature_id, block, live, gone)
            SELECT f, b, (repeat('1', least(1024, \(records) - b * 1024)) || repeat('0', 1024 - least(1024, \(records) - b * 1024)))::bit(1024),
                   0::bit(1024)
            FROM generate_series(1, 2) f, generate_series(0, \((records - 1) / 1024)) b;
            INSERT INTO presence_count (feature_id, stripe, live, gone)
            SELECT f, 0, \(records), 0 FROM generate_series(1, 2) f;
            INSERT INTO work (feature_id, block, active, dirty, leased, parked, awaited)
            SELECT f, b, false, 0::bit(1024), 0::bit(1024), 0::bit(1024), 0::bit(1024)
            FROM generate_series(1, 2) f, generate_series(0, \((records - 1) / 1024)) b;
            ANALYZE;
            """)
        let verified = records <= 10_000 ? try await world.metaxy.operations.verify(nil).mismatches : []
        #expect(verified == [])
    }

    /// Changes every `step`th root record, by the ordinary way.
    private static func makeStale(_ world: World, step: Int) async throws {
        let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
        let rows = (0..<staleCount).map { index in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.integer(Int64(index * step))]),
                metadata: Array("{}".utf8), provenance: ["x": "moved"], dataVersions: nil)
        }
        let outcome = try await world.metaxy.put(rows, shape: shape, writer: Writer())
        #expect(outcome.changed == staleCount)
    }

    /// What `body` touched, by the database's own counters.
    private static func count(_ world: World, _ body: () async throws -> Void) async throws -> Touched {
        let before = try await counters(world)
        try await body()
        let after = try await counters(world)
        return Touched(blocks: after.blocks - before.blocks, scannedRows: after.scannedRows - before.scannedRows)
    }

    private static func counters(_ world: World) async throws -> Touched {
        // The session's counters become visible at the end of the first transaction, to the second.
        try await world.script("SELECT pg_stat_force_next_flush()")
        return try await world.pool.withConnection { (connection) throws(PostgresError) in
            let sql = """
                SELECT sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0) + coalesce(idx_blks_read, 0)
                           + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_read, 0) + coalesce(toast_blks_hit, 0)
                           + coalesce(tidx_blks_read, 0) + coalesce(tidx_blks_hit, 0))::bigint,
                       (SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables
                        WHERE relname ~ '^(record|lineage|head|work|ready_block|presence|claim|failure)')
                FROM pg_statio_user_tables WHERE relname ~ '^(record|lineage|head|work|ready_block|presence|claim|failure)'
                """
            let row = try connection.query(Statement("counters", sql, prepare: false)).single()
            return Touched(blocks: Int(try row.int8(0)), scannedRows: Int(try row.int8(1)))
        }
    }
}
