// Aggregation: one unit from all upstream records that agree in some columns.

import Feature
import JSON
import Service
import Store
import Testing

@Suite("Aggregation")
struct AggregationTests {
    private static let readings = """
        {"key":"readings","id_columns":["sensor","n"],"fields":[{"key":"t","code_version":"1"},{"key":"u","code_version":"1"}]}
        """

    private static func stats(
        _ lineage: String = #"{"type":"N:1","on":["sensor"]}"#, id: String = "sensor", code: Int = 1,
        dep: String = "", more: String = ""
    ) -> String {
        """
        {"key":"stats","id_columns":["\(id)"],\
        "deps":[{"feature":"readings","lineage":{"relationship":\(lineage)}\(dep)}\(more)],\
        "fields":[{"key":"s","code_version":"\(code)","deps":[{"feature":"readings","fields":["t"]}]}]}
        """
    }

    private static func reading(_ sensor: String, _ n: Int, t: String = "1", u: String = "1", site: String? = nil)
        -> String
    {
        let site = site.map { #""site":"\#($0)","# } ?? ""
        return #"{"sensor":"\#(sensor)","n":\#(n),\#(site)"metaxy_provenance_by_field":{"t":"\#(t)","u":"\#(u)"}}"#
    }

    private static func filled(_ spec: String, _ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push([readings, spec])
            try await world.put(
                "readings", reading("a", 10, t: "x", site: "n"), reading("a", 9, t: "y", site: "s"),
                reading("b", 1, t: "z", site: "n"))
            try await body(world)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("units are groups; their provenance is that of the group in the order of the upstream's ids")
    func groups() async throws {
        try await Self.filled(Self.stats()) { world in
            #expect(try await world.increment("stats") == [.new: ["a", "b"]])
            let page = try await world.metaxy.increments.resolve(
                IncrementQuery(feature: try #require(FeatureKey("stats")), limit: 10))
            var hasher = RecordHasher(.standard)
            let formula = FieldFormula(
                field: try #require(FieldKey("s")), codeVersion: "1",
                parents: [
                    .init(
                        reference: FieldReference(
                            feature: try #require(FeatureKey("readings")), field: try #require(FieldKey("t"))),
                        isOptional: false)
                ])
            for (key, versions) in [("a", ["y", "x"]), ("b", ["z"])] {
                let record = try #require(page.records.first { world.ids($0.key) == key })
                let group = hasher.aggregate(versions)
                #expect(record.provenance == [hasher.provenance(of: formula, dataVersions: [group])])
            }
            let first = try #require(page.records.first { world.ids($0.key) == "a" })
            let columns = first.columns.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
            #expect(columns == ["n=[9,10]", #"site=["s","n"]"#])
        }
    }

    @Test("what appears, changes and goes marks its group alone, and only where a used field moves")
    func changes() async throws {
        try await Self.filled(Self.stats()) { world in
            try await world.work("stats")
            #expect(try await world.candidates() == [:])
            try await world.put("readings", Self.reading("a", 9, t: "y", u: "2", site: "s"))
            #expect(try await world.candidates() == [:])
            try await world.put("readings", Self.reading("a", 9, t: "y2", site: "s"))
            #expect(try await world.candidates() == ["stats": 1])
            #expect(try await world.increment("stats") == [.stale: ["a"]])
            try await world.work("stats")
            try await world.put("readings", Self.reading("b", 2), Self.reading("c", 1))
            #expect(try await world.increment("stats") == [.stale: ["b"], .new: ["c"]])
            try await world.work("stats")
            try await world.delete("readings", "sensor = 'c' OR n = 10")
            #expect(try await world.increment("stats") == [.stale: ["a"], .orphaned: ["c"]])
            _ = try await world.metaxy.records.restore(
                try #require(FeatureKey("readings")), filters: [], writer: Writer())
            #expect(try await world.increment("stats") == [:])
        }
    }

    @Test("lineage leads from a unit to every record of its group, and explain names the one that moved")
    func lineage() async throws {
        try await Self.filled(Self.stats()) { world in
            try await world.work("stats")
            let stats = try #require(FeatureKey("stats"))
            let key = RecordKey([.string("a")])
            let trace = try await world.metaxy.history.trace(TraceQuery(feature: stats, key: key))
            #expect(trace.nodes.count == 3)
            #expect(trace.nodes.first?.entry.parents.map(\.count) == [2])
            let down = try await world.metaxy.history.trace(
                TraceQuery(
                    feature: try #require(FeatureKey("readings")), key: RecordKey([.string("a"), .integer(9)]),
                    direction: .down))
            #expect(down.nodes.map(\.feature.description) == ["readings", "stats"])
            try await world.put("readings", Self.reading("a", 9, t: "y2", site: "s"))
            let explained = try await world.metaxy.increments.explain(stats, key)
            guard case .upstream(_, let field, let from, let to, _)? = explained.fields.first?.causes.first else {
                Issue.record("no upstream cause in \(explained.fields)")
                return
            }
            #expect(explained.fields.first?.causes.count == 1)
            #expect((field?.description, from, to) == ("t", "y", "y2"))
        }
    }

    @Test("a metadata column groups too: a record that changes it leaves one group and joins another")
    func onMetadata() async throws {
        let spec = Self.stats(#"{"type":"N:1","on":["place"]}"#, id: "place", dep: #","rename":{"site":"place"}"#)
        try await Self.filled(spec) { world in
            #expect(try await world.increment("stats") == [.new: ["n", "s"]])
            try await world.work("stats")
            try await world.put("readings", Self.reading("b", 1, t: "z", site: "s"))
            #expect(try await world.increment("stats") == [.stale: ["n", "s"]])
            try await world.work("stats")
            try await world.put("readings", Self.reading("a", 10, t: "x", site: "e"), Self.reading("c", 1))
            #expect(try await world.increment("stats") == [.new: ["e"], .orphaned: ["n"]])
            #expect(try await world.mismatches() == [])
            try await world.put("readings", Self.reading("a", 10, t: "x"))
            #expect(try await world.increment("stats") == [.orphaned: ["n"]])
        }
    }

    @Test("a code bump judges the groups, another grouping judges the new ones and the old")
    func redefinition() async throws {
        try await Self.filled(Self.stats()) { world in
            try await world.work("stats")
            try await world.push([Self.readings, Self.stats(code: 2)])
            #expect(try await world.increment("stats") == [.stale: ["a", "b"]])
            try await world.push([Self.readings, Self.stats()])
            #expect(try await world.increment("stats") == [:])
            let other = Self.stats(
                #"{"type":"N:1","on":["sensor"]}"#, dep: #","rename":{"sensor":"device","site":"sensor"}"#)
            try await world.push([Self.readings, other])
            #expect(try await world.increment("stats") == [.new: ["n", "s"], .orphaned: ["a", "b"]])
        }
    }

    @Test("a filter takes records out of their group; the id columns are what an aggregation is on by default")
    func filtered() async throws {
        try await Self.filled(Self.stats(#"{"type":"N:1"}"#, dep: #","sql_filters":["n > 1"]"#)) { world in
            #expect(try await world.increment("stats") == [.new: ["a"]])
            try await world.work("stats")
            try await world.put("readings", Self.reading("b", 3), Self.reading("a", 0))
            #expect(try await world.increment("stats") == [.new: ["b"]])
        }
    }

    @Test("a group with a stale record is held up; beside an identity dep both have to be there")
    func joined() async throws {
        let sensor = #"{"key":"device","id_columns":["sensor"],"fields":[{"key":"d","code_version":"1"}]}"#
        let clean = """
            {"key":"clean","id_columns":["sensor","n"],"deps":[{"feature":"readings"}],\
            "fields":[{"key":"c","code_version":"1","deps":[{"feature":"readings","fields":["t"]}]}]}
            """
        let both = """
            {"key":"both","id_columns":["sensor"],"deps":[{"feature":"device"},\
            {"feature":"clean","lineage":{"relationship":{"type":"N:1"}}}],"fields":[{"key":"b","code_version":"1"}]}
            """
        try await Self.filled(Self.stats()) { world in
            try await world.push([Self.readings, Self.stats(), sensor, clean, both])
            try await world.put("device", #"{"sensor":"a","metaxy_provenance_by_field":{"d":"1"}}"#)
            try await world.work("clean")
            #expect(try await world.increment("both") == [.new: ["a"]])
            try await world.work("both")
            try await world.put("readings", Self.reading("a", 9, t: "y2", site: "s"))
            #expect(try await world.increment("both") == [:])
            try await world.put("device", #"{"sensor":"a","metaxy_provenance_by_field":{"d":"2"}}"#)
            #expect(try await world.increment("both") == [.blocked: ["a"]])
            #expect(try await world.claim("both") == nil)
            try await world.work("clean")
            #expect(try await world.work("both") == ["a"])
        }
    }
}
