// Deletions, restorations, erasures and rebases: of many records, beside a long write, and what they leave parked.

import Feature
import Postgres
import Store
import Synchronization
import Testing

@testable import Service

@Suite("Rewrites of records")
struct RecordRewriteTests {
    private static func root(_ code: String = "1") -> String {
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"\#(code)"}]}"#
    }
    private static let leaf =
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}"#

    /// What is done to all records of a feature.
    enum Action: CaseIterable {
        case delete, restore, erase, rebase
    }

    /// - Returns: how many records it was done to.
    private static func run(_ action: Action, _ world: World, _ feature: String, from: String) async throws -> Int {
        let key = try #require(FeatureKey(feature))
        let metaxy = world.metaxy
        switch action {
        case .delete: return try await metaxy.records.delete(key, filters: [], isDryRun: false, writer: Writer())
        case .restore: return try await metaxy.records.restore(key, filters: [], writer: Writer())
        case .erase: return try await metaxy.records.erase(key, filters: [], isDryRun: false, writer: Writer())
        case .rebase:
            return try await metaxy.records.rebase(RebaseRequest(feature: key, from: from), writer: Writer()).rebased
        }
    }

    private static func part(_ shape: RowShape, _ ids: Range<Int>, _ version: String) -> RecordPart {
        var part = RecordPart(shape, fromLine: ids.lowerBound + 1)
        for id in ids {
            part.give(.provenance, field: 0, version)
            part.append([.integer(Int64(id))], metadata: Array("{}".utf8))
        }
        return part
    }

    private static func count(_ world: World, _ sql: String) async throws -> Int64 {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(Statement("count", sql, prepare: false)).single().int8(0)
        }
    }

    @Test("a rewrite of a root waits for a long write, and finds what it wrote", arguments: Action.allCases)
    func waits(action: Action) async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf])
            let key = try #require(FeatureKey("root"))
            let before = try await world.metaxy.records.shape(of: key)
            var first = [Self.part(before, 0..<2, "a")][...]
            _ = try await world.metaxy.roots.write(to: before, writer: Writer()) {
                () async throws(ServiceError) in first.popFirst()
            }
            if action == .restore { _ = try await Self.run(.delete, world, "root", from: "") }
            if action == .rebase { try await world.push([Self.root("2"), Self.leaf]) }
            let shape = try await world.metaxy.records.shape(of: key)
            let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
            let isDone = Atomic<Bool>(false)
            async let rewritten: Int = {
                for await _ in arrived { break }
                defer { isDone.store(true, ordering: .relaxed) }
                return try await Self.run(action, world, "root", from: before.featureVersion)
            }()
            var given = 0
            let outcome = try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
                () async throws(ServiceError) in
                given += 1
                guard given == 4 else { return given < 4 ? Self.part(shape, given..<given + 1, "b") : nil }
                // The transaction is alone on the root since its first part was taken.
                arrive.yield()
                do {
                    while !isDone.load(ordering: .relaxed),
                        try await Self.count(
                            world, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 0
                    { await Task.yield() }
                } catch {
                    throw .internal("\(error)")
                }
                let wasDone = isDone.load(ordering: .relaxed)
                #expect(!wasDone)
                return nil
            }
            // Records 1, 2 and 3 are written; 0 is as it was.
            #expect(outcome.new + outcome.changed == 3)
            let counts: [Action: Int] = [.delete: 4, .erase: 4, .restore: 1, .rebase: 1]
            #expect(try await rewritten == counts[action])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("rewrites of more records than a page lock every block once, upstream before downstream")
    func pages() async throws {
        let count = TransactionLimits.writeRowsStep + 1_500
        try await World.with { world in
            let mid = { (code: String) in
                """
                {"key":"mid","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"\(code)"}]}
                """
            }
            let group = """
                {"key":"group","id_columns":["kind"],"fields":[{"key":"z","code_version":"1"}],
                 "deps":[{"feature":"mid","lineage":{"relationship":{"type":"N:1","on":["kind"]}}}]}
                """
            try await world.push([Self.root(), mid("1"), group])
            let roots = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            var parts = [Self.part(roots, 0..<count, "a")][...]
            _ = try await world.metaxy.roots.write(to: roots, writer: Writer()) {
                () async throws(ServiceError) in parts.popFirst()
            }
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("mid")))
            let rows = (0..<count).map { id in
                RecordRow(
                    place: .line(id + 1), key: RecordKey([.integer(Int64(id))]),
                    metadata: Array(#"{"kind":\#(id % 7)}"#.utf8), provenance: nil, dataVersions: nil)
            }
            #expect(try await world.metaxy.records.write(rows, shape: shape, writer: Writer()).new == count)
            #expect(try await Self.run(.delete, world, "mid", from: "") == count)
            #expect(try await Self.run(.restore, world, "mid", from: "") == count)
            try await world.push([Self.root(), mid("2"), group])
            #expect(try await Self.run(.rebase, world, "mid", from: shape.featureVersion) == count)
            #expect(try await world.claim("group")?.records.count == 7)
            #expect(try await Self.run(.erase, world, "mid", from: "") == count)
            #expect(try await Self.run(.erase, world, "mid", from: "") == 0)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a parked unit is released in the order of the graph by a write to what it waits for")
    func releases() async throws {
        try await World.with { world in
            let derived = { (key: String, upstreams: String...) in
                let deps = upstreams.map { #"{"feature":"\#($0)"}"# }.joined(separator: ",")
                return
                    #"{"key":"\#(key)","id_columns":["id"],"deps":[\#(deps)],"fields":[{"key":"y","code_version":"1"}]}"#
            }
            try await world.push([
                Self.root(), derived("x", "root"), derived("y", "x"), derived("w", "y"), derived("z", "x", "w"),
            ])
            try await world.put("root", #"{"id":1,"metaxy_provenance_by_field":{"x":"1"}}"#)
            for feature in ["x", "y", "w", "z"] { try await world.put(feature, #"{"id":1}"#) }
            try await world.put("root", #"{"id":1,"metaxy_provenance_by_field":{"x":"2"}}"#)
            for feature in ["x", "y", "w"] {
                #expect(try await world.claim("z") == nil)
                try await world.put(feature, #"{"id":1}"#)
            }
            #expect(try await world.claim("z")?.records.count == 1)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a result is not stored where its unit was erased after it was handed out, whenever the erasure began")
    func erasedLate() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf])
            try await world.write("root", [("a", ["x": "1"])])
            try await world.work("leaf")
            try await world.write("root", [("a", ["x": "2"])])
            let batch = try #require(try await world.claim("leaf"))
            #expect(try await Self.run(.erase, world, "leaf", from: "") == 1)
            // As if the erasure had begun before the claim, and come to the record after it.
            try await world.script("UPDATE claim SET claimed_at = now() + interval '1 hour'")
            let before = try await Self.count(world, "SELECT count(*) FROM lineage")
            try await world.complete(batch)
            #expect(try await Self.count(world, "SELECT count(*) FROM lineage") == before)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a report that repeats units does not touch what failed under another claim since")
    func repeated() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf])
            try await world.write("root", [("a", ["x": "1"]), ("b", ["x": "1"])])
            let key = try #require(FeatureKey("leaf"))
            let batch = try #require(try await world.claim("leaf"))
            let rows = batch.records.map {
                RecordRow(
                    place: .pointer(""), key: $0.key, metadata: Array("{}".utf8), provenance: nil, dataVersions: nil)
            }
            let report = { (rows: [RecordRow]) in
                try await world.metaxy.claims.complete(
                    claim: batch.claim.id, token: batch.claim.token, rows: rows, writer: Writer())
            }
            _ = try await report(rows.filter { world.text($0.key) == "a" })
            try await world.write("root", [("a", ["x": "2"])])
            let other = try #require(try await world.claim("leaf"))
            _ = try await world.metaxy.claims.fail(
                claim: other.claim.id, token: other.claim.token,
                report: FailureReport(records: nil, error: "no", isRetryable: true))
            _ = try await report(rows)
            let failed = try await world.metaxy.failures.list(of: key, after: -1, limit: 10).records
            #expect(failed.map { world.text($0.key) } == ["a"])
            #expect(try await world.mismatches() == [])
            #expect(try await world.metaxy.failures.retry(key, filters: []) == 1)
            #expect(try await world.work("leaf") == ["a"])
        }
    }
}
