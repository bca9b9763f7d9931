// What becomes of work in workers' hands when the world moves under it.

import Feature
import Service
import Store
import Testing

@Suite("Late results")
struct LateResultTests {
    private static func root(_ code: String = "1") -> String {
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"\#(code)"}]}"#
    }

    private static func leaf(_ code: String = "1") -> String {
        """
        {"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"\(code)"}]}
        """
    }

    /// The data version of the leaf's record of an id.
    private static func leafVersion(_ world: World, _ id: String) async throws -> String? {
        let page = try await world.metaxy.records.list(
            of: try #require(FeatureKey("leaf")), after: -1, limit: 100, includesDeleted: false)
        return page.records.first { world.text($0.key) == id }?.dataVersion.first?.version
    }

    private static func superseded(_ world: World, _ batch: ClaimedBatch) async throws -> [String] {
        try await world.metaxy.claims.heartbeat(claim: batch.claim.id, token: batch.claim.token, leaseSeconds: nil)
            .superseded.map(world.text)
    }

    @Test("the claim that takes units back from a lost worker hands them out, together with others of their block")
    func takenBack() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            _ = try #require(try await world.claim("leaf"))
            try await world.write("root", [("b", ["x": "1"])])
            try await world.script("UPDATE claim SET lease_until = now() - interval '1 second'")
            let batch = try #require(try await world.claim("leaf"))
            #expect(batch.records.map { world.text($0.key) } == ["a", "b"])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a new record whose feature is redefined while it is computed is computed again")
    func redefined() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.push([Self.root(), Self.leaf("2")])
            #expect(try await Self.superseded(world, batch) == ["a"])
            try await world.complete(batch)
            #expect(try await world.resolve("leaf") == [.stale: ["a"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a record whose feature gets a field that its inputs cannot give yet is superseded")
    func lacksAnInput() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.push([
                #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"},{"key":"w"}]}"#,
                """
                {"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[\
                {"key":"y","code_version":"1","deps":[{"feature":"root","fields":["x"]}]},\
                {"key":"z","deps":[{"feature":"root","fields":["w"]}]}]}
                """,
            ])
            #expect(try await Self.superseded(world, batch) == ["a"])
            #expect(try await world.complete(batch).superseded == 1)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a result for inputs that went back does not replace the record that is right without it")
    func wentBack() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            try await world.work("leaf")
            let right = try await Self.leafVersion(world, "a")
            try await world.write("root", [("a", ["x": "2"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.write("root", [("a", ["x": "1"])])
            #expect(try await world.resolve("leaf") == [:])
            #expect(try await Self.superseded(world, batch) == ["a"])
            try await world.complete(batch)
            #expect(try await Self.leafVersion(world, "a") == right)
            #expect(try await world.resolve("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a unit that was marked in vain is not called superseded: what joined its group does not pass the filter")
    func markedInVain() async throws {
        try await World.with { world in
            try await world.push([
                #"{"key":"shot","id_columns":["id","n"],"fields":[{"key":"x"}]}"#,
                """
                {"key":"video","id_columns":["id"],"fields":[{"key":"y"}],"deps":[{"feature":"shot",\
                "lineage":{"relationship":{"type":"N:1","on":["id"]}},"sql_filters":["good = true"]}]}
                """,
            ])
            func shot(_ n: Int, _ isGood: Bool) async throws {
                try await world.put(
                    "shot", #"{"id":"a","n":\#(n),"good":\#(isGood),"metaxy_provenance_by_field":{"x":"1"}}"#)
            }
            try await shot(1, true)
            let batch = try #require(try await world.claim("video"))
            try await shot(2, false)
            #expect(try await Self.superseded(world, batch) == [])
            let outcome = try await world.complete(batch)
            #expect(outcome.superseded == 0)
            #expect(try await world.claim("video") == nil)
            try await shot(3, true)
            let again = try #require(try await world.claim("video"))
            try await shot(4, true)
            #expect(try await Self.superseded(world, again) == ["a"])
            #expect(try await world.complete(again).superseded == 1)
            #expect(try await world.resolve("video") == [.stale: ["a"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a late result does not bring a deleted record back")
    func deleted() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            try await world.work("leaf")
            try await world.delete("leaf", "id = 'a'")
            try await world.write("root", [("a", ["x": "2"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.write("root", [("a", ["x": "1"])])
            try await world.complete(batch)
            #expect(try await Self.leafVersion(world, "a") == nil)
            #expect(try await world.resolve("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a completion that is sent again is answered again, also where the record has failed for others since")
    func failedSince() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.complete(batch)
            try await world.write("root", [("a", ["x": "2"])])
            let next = try #require(try await world.claim("leaf"))
            let report = FailureReport(records: nil, error: "no", isRetryable: true)
            _ = try await world.metaxy.claims.fail(claim: next.claim.id, token: next.claim.token, report: report)
            try await world.complete(batch)
            await #expect(throws: ServiceError.self) { try await world.complete(next) }
            #expect(try await world.resolve("leaf") == [.stale: ["a"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a worker that failed with a record cannot complete it, also after others have")
    func completedSince() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"]), ("b", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            let failed = (place: Fault.Place.line(1), key: RecordKey([.string("a")]))
            let report = FailureReport(records: [failed], error: "no", isRetryable: true)
            _ = try await world.metaxy.claims.fail(claim: batch.claim.id, token: batch.claim.token, report: report)
            await #expect(throws: ServiceError.self) { try await world.complete(batch) }
            _ = try await world.metaxy.failures.retry(try #require(FeatureKey("leaf")), filters: [])
            #expect(try await world.work("leaf") == ["a"])
            await #expect(throws: ServiceError.self) { try await world.complete(batch) }
            #expect(try await world.resolve("leaf") == [.new: ["b"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a worker hears that somebody else wrote its record")
    func overtaken() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"]), ("b", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.put("leaf", #"{"id":"b"}"#)
            #expect(try await Self.superseded(world, batch) == ["b"])
            #expect(try await world.complete(batch).superseded == 0)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("restoring brings back what was deleted, not a result that came too late")
    func restored() async throws {
        try await World.with { world in
            try await world.push([Self.root(), Self.leaf()])
            try await world.write("root", [("a", ["x": "1"])])
            let batch = try #require(try await world.claim("leaf"))
            try await world.put("leaf", #"{"id":"a","metaxy_data_version_by_field":{"y":"right"}}"#)
            try await world.delete("leaf", "id = 'a'")
            try await world.complete(batch)
            #expect(try await Self.leafVersion(world, "a") == nil)
            _ = try await world.metaxy.records.restore(try #require(FeatureKey("leaf")), filters: [], writer: Writer())
            #expect(try await Self.leafVersion(world, "a") == "right")
            #expect(try await world.mismatches() == [])
        }
    }
}
