// What a process remembers of the claims that it handed out, and that nothing depends on it.

import Feature
import Postgres
import Testing

@testable import Service
@testable import Store

@Suite("Claim memory")
struct ClaimMemoryTests {
    private static let graph = [
        #"{"key":"frame","id_columns":["video","frame"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"""
        {"key":"face","id_columns":["frame","video"],"deps":[{"feature":"frame"}],"fields":[{"key":"y","code_version":"1"}]}
        """#,
        #"""
        {"key":"clip","id_columns":["video"],"fields":[{"key":"z","code_version":"1"}],
         "deps":[{"feature":"frame","lineage":{"relationship":{"type":"N:1"}}}]}
        """#,
        #"""
        {"key":"chunk","id_columns":["video","chunk"],"fields":[{"key":"z","code_version":"1"}],
         "deps":[{"feature":"clip","lineage":{"relationship":{"type":"1:N","on":["video"]}}}]}
        """#,
    ]

    /// Pushes the graph and writes six frames of three videos.
    private static func fill(_ world: World) async throws {
        try await world.push(graph)
        let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("frame")))
        let rows = (0..<6).map { n in
            RecordRow(
                place: .line(n + 1), key: RecordKey([.string("v\(n % 3)"), .integer(Int64(n))]),
                metadata: Array("{}".utf8), provenance: ["x": "\(n)"], dataVersions: nil)
        }
        _ = try await world.metaxy.put(rows, shape: shape, writer: Writer())
    }

    @Test("what is remembered of a claim is what is stored with it, whatever kind of units it holds")
    func isTheSame() async throws {
        try await World.with { world in
            try await Self.fill(world)
            for feature in ["face", "clip", "chunk"] {
                let batch = try #require(try await world.claim(feature))
                let known = try #require(world.metaxy.claims.memory.recall(batch.claim))
                let (units, keys) = try await world.pool.withConnection { (connection) throws(StoreError) in
                    let units = try ClaimTable(connection).batch(batch.claim.id)
                    return (
                        units, try RecordIDTable(connection, space: batch.plan.space).encodedKeys(of: units.records)
                    )
                }
                #expect(Array(known.units) == Array(units) && known.units.count > 0)
                #expect(known.keys == keys)
                if feature != "chunk" { try await world.complete(batch) }
            }
            #expect(world.metaxy.claims.memory.size > 0)
        }
    }

    @Test("another server answers for a claim as the one that handed it out does, and what has ended is forgotten")
    func isNotNeeded() async throws {
        try await World.with { world in
            try await Self.fill(world)
            let other = Metaxy(pool: world.pool, random: { 0.5 })
            let batch = try #require(try await world.claim("face"))
            let rows = batch.records.map {
                RecordRow(
                    place: .line(1), key: $0.key, metadata: Array("{}".utf8), provenance: nil, dataVersions: nil)
            }
            let (id, token) = (batch.claim.id, batch.claim.token)
            let first = try await other.claims.complete(
                claim: id, token: token, rows: Array(rows.prefix(2)), writer: Writer())
            #expect(first == CompletionOutcome(completed: 2, superseded: 0, remaining: 4))
            let rest = try await world.metaxy.claims.complete(
                claim: id, token: token, rows: Array(rows.dropFirst(2)), writer: Writer())
            #expect(rest == CompletionOutcome(completed: 4, superseded: 0, remaining: 0))
            #expect(world.metaxy.claims.memory.recall(batch.claim) == nil && world.metaxy.claims.memory.size == 0)
            for server in [world.metaxy, other] {
                let again = try await server.claims.complete(claim: id, token: token, rows: rows, writer: Writer())
                #expect(again == CompletionOutcome(completed: 6, superseded: 0, remaining: 0))
            }
        }
    }

    @Test("claims that are given back, fail or run out are forgotten")
    func forgetsEnded() async throws {
        try await World.with { world in
            try await Self.fill(world)
            let memory = world.metaxy.claims.memory
            let released = try #require(try await world.claim("face"))
            _ = try await world.metaxy.claims.release(claim: released.claim.id, token: released.claim.token)
            #expect(memory.size == 0)
            let expired = try #require(try await world.claim("face", limit: 5))
            #expect(memory.size > 0)
            try await world.script("UPDATE claim SET lease_until = now() - interval '1 second'")
            try await world.metaxy.claims.expire()
            #expect(memory.recall(expired.claim) == nil && memory.size == 0)
            let failed = try #require(try await world.claim("face", limit: 1))
            _ = try await world.metaxy.claims.fail(
                claim: failed.claim.id, token: failed.claim.token,
                report: FailureReport(records: nil, error: "no", isRetryable: true))
            #expect(memory.size == 0)
        }
    }

    @Test("the oldest claims make room for new ones, and another token is another claim")
    func isBounded() {
        let memory = ClaimMemory()
        var units = ClaimUnits(fields: 1, deps: 1)
        let value = Array(repeating: UInt8(ascii: "v"), count: 1_000)
        for record in 0..<4_096 {
            units.append(
                Int64(record), base: 0, attempt: 1, provenance: [value[...]],
                parents: [[ParentEntry(entry: 1, record: Int64(record))]])
        }
        let handedOut = HandedOut(units: units, keys: ByteColumn())
        let count = 3 * TransactionLimits.claimMemoryBytes / units.size
        for id in 1...Int64(count) {
            memory.remember(Self.claim(id, token: id), handedOut)
            #expect(memory.size <= TransactionLimits.claimMemoryBytes)
        }
        let kept = (1...Int64(count)).filter { memory.recall(Self.claim($0, token: $0)) != nil }
        let fitting = TransactionLimits.claimMemoryBytes / (units.size + 256)
        #expect(kept == Array(Int64(count - fitting + 1)...Int64(count)))
        #expect(memory.recall(Self.claim(Int64(count), token: 0)) == nil)
        for id in kept { memory.forget(id) }
        #expect(memory.size == 0)
    }

    private static func claim(_ id: Int64, token: Int64) -> StoredClaim {
        StoredClaim(
            id: id, token: token, feature: 1, definition: 1, worker: "w", state: .active, claimedAt: 0, leaseUntil: 0,
            leaseSeconds: 1, units: 1, remaining: 1, finished: BitString(count: 1), failed: nil)
    }
}
