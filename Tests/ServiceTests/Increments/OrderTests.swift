// Batches ordered by a column: records of one shard come together, and nothing is passed over for ever.

import Dispatch
import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Order by a column")
struct OrderTests {
    private static let graph = [
        #"{"key":"raw","id_columns":["id"],"fields":[{"key":"x"}]}"#,
        #"{"key":"a","id_columns":["id"],"deps":[{"feature":"raw","rename":{"file":"shard"}}],"fields":[{"key":"y"}]}"#,
    ]

    /// The ids of one write are given their places in their own order.
    private static func id(_ number: Int) -> String { "r\(100_000 + number)" }

    /// Writes records of `raw`: ids with the JSON of their column `file`, nil for none.
    private static func write(_ world: World, _ rows: [(id: String, file: String?)], x: String = "1") async throws {
        let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("raw")))
        let records = rows.enumerated().map { index, row in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.string(row.id)]),
                metadata: Array((row.file.map { #"{"file":\#($0)}"# } ?? "{}").utf8), provenance: ["x": x],
                dataVersions: nil)
        }
        _ = try await world.metaxy.put(records, shape: shape, writer: Writer())
    }

    private static func order(_ world: World, _ feature: String = "a", by column: String?) async throws {
        var settings = DispatchSettings.standard
        settings.orderBy = column
        _ = try await world.metaxy.graph.configure(dispatch: try #require(FeatureKey(feature)), settings, expected: nil)
    }

    private static func claim(
        _ world: World, _ limit: Int, filters: [Filter] = []
    ) async throws -> (batch: ClaimedBatch, ids: Set<String>)? {
        let request = ClaimRequest(
            features: [try #require(FeatureKey("a"))], worker: "w", limit: limit, leaseSeconds: 3_600, filters: filters)
        guard let batch = try await world.metaxy.claims.claim(request) else { return nil }
        return (batch, Set(batch.records.map { world.text($0.key) }))
    }

    private static func release(_ world: World, _ batch: ClaimedBatch) async throws {
        _ = try await world.metaxy.claims.release(claim: batch.claim.id, token: batch.claim.token)
    }

    @Test("records of a shard that lie in many blocks come in one batch, and shard follows shard")
    func shards() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.write(world, (0..<4_000).map { (Self.id($0), "\"s\($0 % 40 + 10)\"") })
            let oldest = try #require(try await Self.claim(world, 100))
            #expect(oldest.ids == Set((0..<100).map(Self.id)))
            try await Self.release(world, oldest.batch)

            try await Self.order(world, by: "shard")
            // Of one alone it is the oldest.
            let one = try #require(try await Self.claim(world, 1))
            #expect(one.ids == [Self.id(0)])
            try await Self.release(world, one.batch)
            for shard in 0..<38 {
                let batch = try #require(try await Self.claim(world, 100))
                #expect(batch.ids == Set((0..<100).map { Self.id($0 * 40 + shard) }))
            }
            // One and a half: the rest of the batch is of the shard that follows.
            let batch = try #require(try await Self.claim(world, 150))
            #expect(batch.ids == Set((0..<100).map { Self.id($0 * 40 + 38) } + (0..<50).map { Self.id($0 * 40 + 39) }))
            #expect(try await Self.claim(world, 100)?.ids.count == 50)
            #expect(try await Self.claim(world, 100) == nil)
        }
    }

    @Test("what lies farther apart than a claim looks comes with later claims")
    func far() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            // The shard of the first has one record within visibleProjects, and one beyond it.
            try await Self.write(
                world, (0..<5_000).map { (Self.id($0), [0, 4_095, 4_096].contains($0) ? "0" : "\($0)") })
            try await Self.order(world, by: "shard")
            #expect(try await Self.claim(world, 3)?.ids == [Self.id(0), Self.id(1), Self.id(4_095)])
            #expect(try await Self.claim(world, 2)?.ids == [Self.id(2), Self.id(3)])
        }
    }

    @Test("numbers come by size, then texts by code point, then false and true, what has none last, and then around")
    func values() async throws {
        let ascending: [(id: String, file: String?)] = [
            ("n0", "-1e300"), ("n1", "-2"), ("n2", "9.5"), ("n3", "10"), ("n4", "18446744073709551616"),
            ("t0", #""""#), ("t1", #""10""#), ("t2", #""9""#), ("t3", #""Z""#), ("t4", #""a""#), ("t5", #""é""#),
            ("t6", #""\#u{FFFD}""#), ("t7", #""\#u{1F600}""#), ("b0", "false"), ("b1", "true"), ("z0", nil),
        ]
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            var random = SeededRandom(seed: 1)
            // The first that is written is the oldest; each round another one is.
            for first in ascending.indices {
                let others = ascending.indices.filter { $0 != first }.shuffled(using: &random)
                let prefix = "\(first)-"
                for group in [[first], others] {
                    try await Self.write(world, group.map { (prefix + ascending[$0].id, ascending[$0].file) })
                }
                for limit in [2, 3, 7, ascending.count - 1] {
                    let found = try #require(try await Self.claim(world, limit))
                    let wanted = (0..<limit).map { prefix + ascending[(first + $0) % ascending.count].id }
                    #expect(found.ids == Set(wanted))
                    try await Self.release(world, found.batch)
                }
                #expect(try await world.work("a").count == ascending.count)
            }
        }
    }

    @Test("a record of the greatest value is handed out when it is the oldest, though smaller ones keep coming")
    func starvation() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            try await Self.write(world, (0..<20).map { ("a\($0)", "1") } + [("last", "1000000")])
            var claims = 0
            while true {
                claims += 1
                try await Self.write(world, (0..<5).map { ("b\(claims)-\($0)", "\(claims % 3)") })
                let found = try #require(try await Self.claim(world, 5))
                try await world.complete(found.batch)
                if found.ids.contains("last") { break }
                // Each claim takes at least the oldest.
                try #require(claims <= 21)
            }
            #expect(claims > 1)
        }
    }

    @Test(
        "batches are those of a slow model, whatever is written, claimed, given back and completed", arguments: 0..<12)
    func model(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            var model = OrderModel()
            var number = 0
            func write(_ count: Int) async throws {
                let rows = (0..<count).map { _ in
                    number += 1
                    let value = random.below(4) == 0 ? nil : random.below(9)
                    return (id: "\(random.below(5) == 0 ? "no" : "r")\(number)", value: value)
                }
                for row in rows { model.values[row.id] = .some(row.value) }
                try await Self.write(world, rows.map { ($0.id, $0.value.map(String.init)) })
            }
            // Blocks of a few records each.
            for block in 0..<22 {
                try await world.script("SELECT setval('record_1_sequence', \(block * 1_024 + 1_000))")
                try await write(random.below(12) + 1)
            }
            var held: [ClaimedBatch] = []
            for _ in 0..<40 {
                if random.below(3) == 0 { try await write(random.below(6) + 1) }
                if !held.isEmpty, random.below(3) == 0 {
                    let batch = held.remove(at: random.below(held.count))
                    if random.below(2) == 0 {
                        try await Self.release(world, batch)
                    } else {
                        try await world.complete(batch)
                    }
                }
                let filters = random.below(2) == 0 ? [try Filter("id > 'o'")] : []
                let limit = [1, 2, 5, 20, 150][random.below(5)]
                let blocks = try await OrderModel.blocks(world)
                let wanted = model.batch(blocks, limit: limit, isPicky: !filters.isEmpty)
                let found = try await Self.claim(world, limit, filters: filters)
                #expect(found?.ids ?? [] == wanted, "limit \(limit)")
                if let found { held.append(found.batch) }
            }
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("several workers who wait get everything, each batch of few shards")
    func waiting() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            let request = ClaimRequest(
                features: [try #require(FeatureKey("a"))], worker: "w", limit: 10, wait: .seconds(3_600))
            let tasks = (0..<12).map { _ in Task { try await world.metaxy.claims.claim(request) } }
            while world.metaxy.operations.load.waitingClaims < 12 { await Task.yield() }
            try await Self.write(world, (0..<120).map { ("r\($0)", "\($0 % 12)") })
            var ids: Set<String> = []
            for task in tasks {
                let batch = try #require(try await task.value)
                let numbers = batch.records.compactMap { Int(world.text($0.key).dropFirst()) }
                #expect(batch.records.count == 10 && Set(numbers.map { $0 % 12 }).count == 1)
                ids.formUnion(batch.records.map { world.text($0.key) })
            }
            #expect(ids.count == 120)
        }
    }

    @Test("blocks that somebody else holds are passed over, and come when they are free")
    func locked() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            try await Self.write(world, (0..<3_000).map { (Self.id($0), "\($0 % 2)") })
            let begun = AsyncStream<Void>.makeStream()
            let mayEnd = DispatchSemaphore(value: 0)
            async let holding: Void = world.pool.transaction { (connection) throws(PostgresError) in
                _ = try connection.query(Statement("hold", "SELECT FROM work WHERE block = 1 FOR UPDATE"), [])
                begun.continuation.yield()
                // The thread is the session's own.
                mayEnd.wait()
            }
            for await _ in begun.stream { break }
            let first = try #require(try await Self.claim(world, 1_200))
            mayEnd.signal()
            try await holding
            let numbers = first.ids.compactMap { Int($0.dropFirst()).map { $0 - 100_000 } }
            #expect(numbers.count == 1_200 && numbers.allSatisfy { !(1_024..<2_048).contains($0) })
            // All even ones of the two blocks, and odd ones after them.
            #expect(numbers.filter { $0 % 2 == 0 }.count == 988)
            let second = try #require(try await Self.claim(world, 3_000))
            #expect(second.ids.union(first.ids).count == 3_000)
        }
    }

    @Test("the record that makes workers die is found as without an order")
    func poison() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.order(world, by: "shard")
            try await Self.write(world, (0..<200).map { ("r\($0)", "\($0 % 7)") })
            var done: Set<String> = []
            var lost = 0
            while let found = try await Self.claim(world, 64) {
                guard found.ids.contains("r123") else {
                    try await world.complete(found.batch)
                    done.formUnion(found.ids)
                    continue
                }
                lost += 1
                try #require(lost <= 20, "the poison is handed out for ever")
                try await world.script("UPDATE claim SET lease_until = now() - interval '1 second' WHERE state = 0")
                try await world.metaxy.claims.expire()
            }
            #expect(done.count == 199 && !done.contains("r123"))
            #expect(try await world.mismatches() == [])
        }
    }
}
