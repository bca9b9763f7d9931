// Work by a column: records of one shard come together, and none is passed over for ever.

import Feature
import JSON
import Store
import Testing

@testable import Service

@Suite("Work by a column")
struct ColumnOrderTests {
    private static let graph = [
        #"{"key":"raw","id_columns":["id"],"fields":[{"key":"x"}]}"#,
        #"{"key":"a","id_columns":["id"],"deps":[{"feature":"raw","rename":{"tar":"shard"}}],"fields":[{"key":"y"}]}"#,
    ]

    private static func order(_ world: World, by column: String?) async throws {
        var settings = DispatchSettings.standard
        settings.orderBy = column
        _ = try await world.metaxy.graph.configure(dispatch: try #require(FeatureKey("a")), settings, expected: nil)
    }

    /// Writes rows with these shards, JSON values.
    private static func write(_ world: World, _ shards: [(id: String, shard: String)]) async throws {
        let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("raw")))
        let rows = shards.enumerated().map { index, row in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.string(row.id)]),
                metadata: Array(#"{"tar":\#(row.shard)}"#.utf8), provenance: ["x": "1"], dataVersions: nil)
        }
        _ = try await world.metaxy.put(rows, shape: shape, writer: Writer())
    }

    /// Claims a batch and gives the shard of each of its records, by id.
    private static func claim(_ world: World, limit: Int) async throws -> (
        batch: ClaimedBatch, shards: [String: String]
    )? {
        let request = ClaimRequest(features: [try #require(FeatureKey("a"))], worker: "w", limit: limit)
        guard let batch = try await world.metaxy.claims.claim(request) else { return nil }
        var shards: [String: String] = [:]
        for record in batch.records {
            let value = record.columns.first { $0.name == "shard" }?.value
            shards[world.ids(record.key)] = value.map { String(decoding: $0, as: UTF8.self) } ?? "none"
        }
        return (batch, shards)
    }

    @Test("records of one shard come in one batch, however they are mixed over the blocks")
    func together() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.write(world, (0..<3_000).map { ("r\($0)", "\"s\($0 * 7 % 10)\"") })
            try await Self.order(world, by: "shard")
            var seen: Set<String> = []
            for _ in 0..<10 {
                let (batch, shards) = try #require(try await Self.claim(world, limit: 300))
                #expect(batch.records.count == 300)
                #expect(Set(shards.values).count == 1)
                #expect(seen.isDisjoint(with: shards.values))
                seen.formUnion(shards.values)
            }
            #expect(seen.count == 10)
            #expect(try await Self.claim(world, limit: 300) == nil)
            #expect(try await world.metaxy.operations.verify(nil).mismatches == [])
        }
    }

    @Test("the batch goes on with the next greater shard, and after the greatest with the least")
    func wrapping() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.write(
                world,
                [("p", "10"), ("q", "null"), ("r", "9"), ("s", "\"9\""), ("t", "1e1"), ("u", "8"), ("v", "11")])
            try await Self.order(world, by: "shard")
            // From the oldest on: 10 twice, 11, the text, the one without, then 8 and 9.
            for expected in [["p", "t"], ["q"], ["r", "v"], ["s"], ["u"]] {
                let limit = expected.count
                let (_, shards) = try #require(try await Self.claim(world, limit: limit))
                #expect(shards.keys.sorted() == expected)
            }
        }
    }

    @Test("a record with the greatest shard is handed out though smaller ones keep coming")
    func fairness() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.write(world, [("last", "99")] + (0..<20).map { ("r\($0)", "\($0)") })
            try await Self.order(world, by: "shard")
            let (_, first) = try #require(try await Self.claim(world, limit: 1))
            #expect(first.keys.sorted() == ["last"])
        }
    }

    @Test("a column that no record has leaves the order as it is; so does none")
    func unknown() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await Self.write(world, (0..<50).map { ("r\($0 + 10)", "\(50 - $0)") })
            for column in ["nothing", nil] {
                try await Self.order(world, by: column)
                let (batch, shards) = try #require(try await Self.claim(world, limit: 5))
                #expect(shards.keys.sorted() == ["r10", "r11", "r12", "r13", "r14"])
                _ = try await world.metaxy.claims.release(claim: batch.claim.id, token: batch.claim.token)
            }
            try await Self.order(world, by: "id")
            let (_, shards) = try #require(try await Self.claim(world, limit: 5))
            #expect(shards.keys.sorted() == ["r10", "r11", "r12", "r13", "r14"])
        }
    }

    @Test("the arrangement is the cycle of sorted values from the first one on, for all short lists")
    func arrangement() throws {
        let values: [ColumnOrder.Value] = [
            .number(FilterNumber(1)), .number(FilterNumber(2)), .text([1]), .boolean(0), .other([1]), .missing,
        ]
        for count in 0...4 {
            for number in 0..<Int((0..<count).reduce(1) { product, _ in product * values.count }) {
                var rest = number
                let list = (0..<count).map { _ in
                    defer { rest /= values.count }
                    return values[rest % values.count]
                }
                let start = list.first.flatMap { values.firstIndex(of: $0) } ?? 0
                let expected = (0..<values.count).flatMap { step in
                    list.indices.filter { list[$0] == values[(start + step) % values.count] }
                }
                #expect(ColumnOrder.arrangement(of: list) == expected, "\(list)")
            }
        }
    }
}
