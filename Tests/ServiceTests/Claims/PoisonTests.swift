// Records that make their workers die: found, put aside, and let go when their inputs change.

import Feature
import Service
import Store
import Testing

@Suite("Poison")
struct PoisonTests {
    private static let root = #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#
    private static let leaf = """
        {"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}
        """

    /// A world with so many records to compute: r0, r1, ….
    private static func with(records: Int, _ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push([root, leaf])
            try await world.write("root", (0..<records).map { ("r\($0)", ["x": "1"]) })
            try await body(world)
        }
    }

    /// Works until nothing is handed out. A worker dies, and its lease runs out, whenever its batch has a poison.
    ///
    /// - Returns: for each lease that ran out, how many units it had; and what was completed.
    private static func work(
        _ world: World, poison: Set<String>, limit: Int
    ) async throws -> (lost: [Int], done: [String]) {
        var lost: [Int] = []
        var done: [String] = []
        while let batch = try await world.claim("leaf", limit: limit) {
            let ids = batch.records.map { world.text($0.key) }
            guard poison.isDisjoint(with: ids) else {
                lost.append(ids.count)
                try #require(lost.count <= 200, "the poison is handed out for ever")
                try await expire(world, batch)
                continue
            }
            try await world.complete(batch)
            done += ids
        }
        return (lost, done)
    }

    private static func expire(_ world: World, _ batch: ClaimedBatch) async throws {
        try await world.script(
            "UPDATE claim SET lease_until = now() - interval '1 second' WHERE id = \(batch.claim.id)")
        try await world.metaxy.claims.expire()
    }

    private static func failures(_ world: World) async throws -> [FailedRecord] {
        try await world.metaxy.failures.list(of: try #require(FeatureKey("leaf")), after: -1, limit: 100).records
    }

    @Test("a poison record in a batch of 1,024 ends alone in quarantine, and the other 1,023 are completed")
    func oneOfMany() async throws {
        try await Self.with(records: 1_024) { world in
            let (lost, done) = try await Self.work(world, poison: ["r700"], limit: 1_024)
            #expect(lost == [1_024, 1_024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1, 1, 1, 1, 1])
            #expect(Set(done).count == 1_023 && done.count == 1_023)
            #expect(!done.contains("r700"))
            let failures = try await Self.failures(world)
            #expect(failures.map { world.text($0.key) } == ["r700"])
            #expect(failures.first?.failure.attempts == 5)
            #expect(failures.first?.failure.retryAt == nil)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("several poison records of a batch are each found", arguments: [["r0", "r1"], ["r3", "r40", "r99"]])
    func several(poison: [String]) async throws {
        try await Self.with(records: 100) { world in
            let done = try await Self.work(world, poison: Set(poison), limit: 64).done
            #expect(done.count == 100 - poison.count)
            let failures = try await Self.failures(world)
            #expect(failures.map { world.text($0.key) }.sorted() == poison)
            #expect(failures.allSatisfy { $0.failure.retryAt == nil })
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a lease that ran out once changes nothing but the number of the attempt, and is no failure")
    func once() async throws {
        try await Self.with(records: 10) { world in
            let lost = try #require(try await world.claim("leaf"))
            try await Self.expire(world, lost)
            #expect(try await Self.failures(world).isEmpty)
            let batch = try #require(try await world.claim("leaf"))
            #expect(batch.records.count == 10)
            #expect(batch.attempts == Array(repeating: 2, count: 10))
            try await world.complete(batch)
            #expect(try await world.candidates() == [:])
        }
    }

    @Test("what a worker completed before it died is no suspect")
    func partly() async throws {
        try await Self.with(records: 4) { world in
            for held in [4, 3] {
                let batch = try #require(try await world.claim("leaf"))
                #expect(batch.records.count == held)
                let first = batch.records[0]
                _ = try await world.metaxy.claims.complete(
                    claim: batch.claim.id, token: batch.claim.token,
                    rows: [
                        RecordRow(
                            place: .line(1), key: first.key, metadata: Array("{}".utf8), provenance: nil,
                            dataVersions: nil)
                    ], writer: Writer())
                try await Self.expire(world, batch)
            }
            #expect(try #require(try await world.claim("leaf")).records.count == 1)
        }
    }

    @Test("a quarantined poison record is handed out again when its inputs change or somebody asks")
    func released() async throws {
        try await Self.with(records: 2) { world in
            _ = try await Self.work(world, poison: ["r1"], limit: 2)
            #expect(try await world.claim("leaf") == nil)
            #expect(try await world.metaxy.failures.retry(try #require(FeatureKey("leaf")), filters: []) == 1)
            #expect(try await Self.work(world, poison: ["r1"], limit: 2).lost == [1, 1, 1, 1, 1])
            try await world.write("root", [("r1", ["x": "2"])])
            let batch = try #require(try await world.claim("leaf"))
            #expect(batch.attempts == [1])
            try await world.complete(batch)
            #expect(try await Self.failures(world).isEmpty)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("other inputs that come while the last lease runs out are another chance, at once")
    func overtaken() async throws {
        try await Self.with(records: 1) { world in
            for _ in 0..<4 { try await Self.expire(world, try #require(try await world.claim("leaf"))) }
            let last = try #require(try await world.claim("leaf"))
            try await world.write("root", [("r0", ["x": "2"])])
            try await Self.expire(world, last)
            #expect(try await world.work("leaf") == ["r0"])
            #expect(try await world.mismatches() == [])
        }
    }
}
