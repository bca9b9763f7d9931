// What one resolve, claim or read looks at, beyond what the definitions say.

import Feature
import JSON
import Service
import Store
import Testing

@Suite("Runtime filters")
struct RestrictionTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"},{"key":"y","code_version":"1"}]}"#,
        #"""
        {"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],\#
        "fields":[{"key":"p","code_version":"1","deps":[{"feature":"root","fields":["x"]}]}]}
        """#,
    ]

    private static func row(_ id: Int, _ columns: String, x: String = "1") -> String {
        #"{"id":\#(id),\#(columns),"metaxy_provenance_by_field":{"x":"\#(x)","y":"1"}}"#
    }

    /// Six roots with n = id; leaf has 0 to 3, with n = id + 1 of its own and no `status` but for 0.
    private static func filled(_ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push(graph)
            for id in 0..<6 { try await world.put("root", row(id, #""n":\#(id)"#)) }
            for id in 0..<4 {
                let status = id == 0 ? #","status":"failed""# : ""
                try await world.put("leaf", #"{"id":\#(id),"n":\#(id + 1)\#(status)}"#)
            }
            try await body(world)
            #expect(try await world.mismatches() == [])
        }
    }

    private static func increment(
        _ world: World, _ restriction: IncrementRestriction
    ) async throws -> [IncrementKind: [String]] {
        let key = try #require(FeatureKey("leaf"))
        var result: [IncrementKind: [String]] = [:]
        var after: RecordID = -1
        // A page at a time, so that pages are shown to be as good as the whole.
        while true {
            let page = try await world.metaxy.increments.resolve(
                IncrementQuery(feature: key, limit: 1, after: after, restriction: restriction))
            for record in page.records { result[record.kind, default: []].append(world.ids(record.key)) }
            guard let next = page.next else {
                let counts = try #require(page.counts)
                #expect(counts.kinds == result.mapValues(\.count))
                return result
            }
            after = next
        }
    }

    @Test("filters on upstreams, on the feature itself and on all of them narrow what is expected and what is current")
    func filters() async throws {
        try await Self.filled { world in
            let root = try #require(FeatureKey("root"))
            let leaf = try #require(FeatureKey("leaf"))
            let cases: [(IncrementRestriction, [IncrementKind: [String]])] = [
                (
                    IncrementRestriction(filters: [root: [try Filter("n >= 2")]]),
                    [.new: ["4", "5"], .orphaned: ["0", "1"]]
                ),
                (IncrementRestriction(global: [try Filter("id < 3")]), [:]),
                (IncrementRestriction(global: [try Filter("id > 2")]), [.new: ["4", "5"]]),
                (IncrementRestriction(target: [try Filter("n > 2")]), [.new: ["0", "1", "4", "5"]]),
                (
                    IncrementRestriction(filters: [root: [try Filter("n >= 2")], leaf: [try Filter("n >= 3")]]),
                    [.new: ["4", "5"]]
                ),
                (IncrementRestriction(skipsComparison: true), [.new: ["0", "1", "2", "3", "4", "5"]]),
            ]
            for (restriction, expected) in cases {
                #expect(try await Self.increment(world, restriction) == expected)
            }
            #expect(try await Self.increment(world, IncrementRestriction()) == [.new: ["4", "5"]])
            await #expect(throws: ServiceError.self) {
                let other = try #require(FeatureKey("other"))
                _ = try await Self.increment(world, IncrementRestriction(filters: [other: []]))
            }
        }
    }

    @Test("a current record that a staleness predicate matches is stale in every field; unknown does not match")
    func predicates() async throws {
        try await Self.filled { world in
            let restriction = IncrementRestriction(predicates: [
                try Filter("status = 'failed'"), try Filter("n = 3"), try Filter("missing > 1"),
            ])
            #expect(try await Self.increment(world, restriction) == [.new: ["4", "5"], .stale: ["0", "2"]])
            try await world.put("root", Self.row(0, #""n":0"#, x: "2"))
            let page = try await world.metaxy.increments.resolve(
                IncrementQuery(
                    feature: try #require(FeatureKey("leaf")), kinds: [.stale], limit: 10, restriction: restriction))
            #expect(page.records.map { $0.staleFields.map(\.causes) } == [[[.upstream, .predicate]], [[.predicate]]])
            #expect(try await world.increment("leaf") == [.new: ["4", "5"], .stale: ["0"]])
        }
    }

    @Test("samples stand for what is expected, for a root and for a derived feature")
    func samples() async throws {
        try await Self.filled { world in
            let root = try #require(FeatureKey("root"))
            let shape = try await world.metaxy.records.shape(of: root)
            let rows = try [Self.row(0, #""n":9"#), Self.row(1, #""n":1"#, x: "2"), Self.row(7, #""n":7"#)].map {
                try world.row(try JSONValue(parsing: Array($0.utf8)), shape)
            }
            var found: [String] = []
            var after: RecordID = -1
            while true {
                let page = try await world.metaxy.increments.resolve(
                    IncrementQuery(feature: root, limit: 2, after: after, samples: rows))
                found += page.records.map { "\($0.kind.rawValue) \(world.ids($0.key))" }
                #expect(page.counts?.kinds == [.new: 1, .stale: 1, .orphaned: 4])
                #expect(page.counts?.upToDate == 1)
                guard let next = page.next else { break }
                after = next
            }
            #expect(found == ["stale 1", "new 7", "orphaned 2", "orphaned 3", "orphaned 4", "orphaned 5"])
            await #expect(throws: ServiceError.self) {
                _ = try await world.metaxy.increments.resolve(IncrementQuery(feature: root, limit: 2))
            }
        }
    }

    @Test("a claim takes only units whose row passes, and leaves the others to somebody else")
    func claims() async throws {
        try await Self.filled { world in
            var request = ClaimRequest(features: [try #require(FeatureKey("leaf"))], worker: "w", limit: 10)
            request.filters = [try Filter("n > 4 AND id < 9")]
            let batch = try #require(try await world.metaxy.claims.claim(request))
            #expect(batch.records.map { world.ids($0.key) } == ["5"])
            #expect(try await world.metaxy.claims.claim(request) == nil)
            request.filters = []
            #expect(try await world.metaxy.claims.claim(request)?.records.map { world.ids($0.key) } == ["4"])
        }
    }

    @Test("reads filter what is current, look back in time, and list every version")
    func reads() async throws {
        try await Self.filled { world in
            try await world.put("leaf", #"{"id":1,"n":50}"#)
            try await world.delete("leaf", "id = 2")
            func list(_ change: (inout RecordQuery) throws -> Void) async throws -> [String] {
                var query = RecordQuery(feature: try #require(FeatureKey("leaf")), limit: 2)
                try change(&query)
                var found: [String] = []
                while true {
                    let page = try await world.metaxy.records.list(query)
                    found += page.records.map { record in
                        let n = record.columns.first { $0.name == "n" }.map {
                            String(decoding: $0.value, as: UTF8.self)
                        }
                        return "\(world.ids(record.key)):\(n ?? "")\(record.isDeleted ? "†" : "")"
                    }
                    guard let next = page.next else { return found }
                    (query.after, query.afterEntry) = (next, page.nextEntry)
                }
            }
            #expect(try await list { _ in } == ["0:1", "1:50", "3:4"])
            #expect(try await list { $0.filters = [try Filter("n < 50")] } == ["0:1", "3:4"])
            #expect(try await list { $0.includesDeleted = true } == ["0:1", "1:50", "2:3†", "3:4"])
            #expect(try await list { $0.hasHistory = true } == ["0:1", "1:2", "1:50", "2:3", "3:4"])
            let all = try await list {
                $0.hasHistory = true
                $0.includesDeleted = true
                $0.filters = [try Filter("n <> 1")]
            }
            #expect(all == ["1:2", "1:50", "2:3", "2:3†", "3:4"])
            var query = RecordQuery(feature: try #require(FeatureKey("leaf")), limit: 10)
            query.hasHistory = true
            let versions = try await world.metaxy.records.list(query).records
            let first = try #require(versions.first { $0.key == RecordKey([.integer(1)]) })
            #expect(try await list { $0.asOf = first.writtenAt } == ["0:1", "1:2"])
            try await world.push([Self.graph[0], Self.graph[1].replacing(#""1","deps""#, with: #""2","deps""#)])
            try await world.put("leaf", #"{"id":0,"n":7}"#)
            #expect(try await list { $0.featureVersion = first.featureVersion } == ["0:1", "1:50", "3:4"])
            #expect(try await list { _ in } == ["0:7", "1:50", "3:4"])
            await #expect(throws: ServiceError.versionNotFound("none")) {
                _ = try await list { $0.featureVersion = "none" }
            }
        }
    }
}
