// Expansion: one unit makes any number of records, and they are replaced together.

import Feature
import JSON
import Service
import Store
import Testing

@Suite("Expansion")
struct ExpansionTests {
    private static let video = """
        {"key":"video","id_columns":["id"],"fields":[{"key":"frames","code_version":"1"},{"key":"audio","code_version":"1"}]}
        """
    private static func frames(_ code: Int = 1) -> String {
        """
        {"key":"frames","id_columns":["n","video"],"deps":[{"feature":"video","rename":{"id":"video"},\
        "lineage":{"relationship":{"type":"1:N","on":["video"]}}}],\
        "fields":[{"key":"img","code_version":"\(code)","deps":[{"feature":"video","fields":["frames"]}]}]}
        """
    }
    private static let faces = """
        {"key":"faces","id_columns":["n","video"],"deps":[{"feature":"frames"}],"fields":[{"key":"f","code_version":"1"}]}
        """
    private static let best = """
        {"key":"best","id_columns":["video"],"deps":[{"feature":"frames","lineage":{"relationship":{"type":"N:1"}}}],\
        "fields":[{"key":"b","code_version":"1"}]}
        """
    private static let graph = [video, frames(), faces, best]

    private static func video(_ id: String, frames: String = "1", audio: String = "1") -> String {
        #"{"id":"\#(id)","metaxy_provenance_by_field":{"frames":"\#(frames)","audio":"\#(audio)"}}"#
    }

    /// Claims all there is, completes each unit with as many records as `counts` says, and answers the units.
    private static func expand(_ world: World, _ counts: [String: Int]) async throws -> [String] {
        guard let batch = try await world.claim("frames") else { return [] }
        let results = batch.records.enumerated().map { index, record in
            let unit = world.ids(record.key)
            let children = (0..<(counts[unit] ?? 0)).map { n in
                RecordRow(
                    place: .pointer("/units/\(index)/records/\(n)"),
                    key: RecordKey([.integer(Int64(n)), .string(unit)]), metadata: Array(#"{"n":\#(n)}"#.utf8),
                    provenance: nil, dataVersions: nil)
            }
            return UnitResult(place: .pointer("/units/\(index)"), key: record.key, records: children)
        }
        let outcome = try await world.metaxy.claims.complete(
            claim: batch.claim.id, token: batch.claim.token, units: results, writer: Writer())
        #expect(outcome.completed == results.count && outcome.remaining == 0)
        return batch.records.map { world.ids($0.key) }
    }

    private static func list(_ world: World, _ feature: String = "frames") async throws -> [String] {
        try await world.metaxy.records.list(RecordQuery(feature: try #require(FeatureKey(feature)), limit: 100))
            .records.map { world.ids($0.key) }.sorted()
    }

    private static func filled(_ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push(graph)
            try await world.put("video", video("a"), video("b"), video("c"))
            #expect(try await world.increment("frames") == [.new: ["a", "b", "c"]])
            #expect(try await expand(world, ["a": 3, "b": 1]) == ["a", "b", "c"])
            try await body(world)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("units are upstream records; an empty expansion is done, and what is downstream sees the records")
    func expands() async throws {
        try await Self.filled { world in
            #expect(try await world.increment("frames") == [:])
            #expect(try await Self.expand(world, [:]) == [])
            try await world.put("video", Self.video("d"), Self.video("e"))
            let frames = try await world.metaxy.operations.status().first { $0.key.description == "frames" }
            #expect(frames?.pending == 2 && frames?.records == 4)
            try await world.delete("video", "id = 'd' OR id = 'e'")
            #expect(try await Self.list(world) == ["0,a", "0,b", "1,a", "2,a"])
            #expect(try await world.increment("faces") == [.new: ["0,a", "0,b", "1,a", "2,a"]])
            #expect(try await world.increment("best") == [.new: ["a", "b"]])
            let record = try await world.metaxy.records.list(
                RecordQuery(feature: try #require(FeatureKey("frames")), limit: 1)
            ).records.first
            let page = try await world.metaxy.increments.resolve(
                IncrementQuery(
                    feature: try #require(FeatureKey("frames")), limit: 3,
                    restriction: IncrementRestriction(skipsComparison: true)))
            #expect(page.records.first?.provenance == record?.provenance.map(\.version))
        }
    }

    @Test("completing a unit again replaces its records: changed, added and taken away")
    func replaces() async throws {
        try await Self.filled { world in
            try await world.work("best")
            try await world.put("video", Self.video("a", audio: "2"))
            #expect(try await world.increment("frames") == [:])
            try await world.put("video", Self.video("a", frames: "2"), Self.video("c", frames: "2"))
            #expect(try await world.increment("frames") == [.stale: ["a", "c"]])
            #expect(try await world.increment("best") == [:])
            #expect(try await Self.expand(world, ["a": 2, "c": 1]) == ["a", "c"])
            #expect(try await Self.list(world) == ["0,a", "0,b", "0,c", "1,a"])
            #expect(try await world.increment("best") == [.stale: ["a"], .new: ["c"]])
            #expect(try await world.mismatches() == [])
            try await world.put("video", Self.video("a", frames: "3"))
            #expect(try await Self.expand(world, [:]) == ["a"])
            #expect(try await Self.list(world) == ["0,b", "0,c"])
            #expect(try await world.increment("best") == [.orphaned: ["a"], .new: ["c"]])
            #expect(try await world.increment("frames") == [:])
        }
    }

    @Test("a code bump makes units stale and holds up what is downstream; a gone upstream record orphans its unit")
    func bumpAndOrphan() async throws {
        try await Self.filled { world in
            try await world.work("best")
            try await world.push([Self.video, Self.frames(2), Self.faces, Self.best])
            #expect(try await world.increment("frames") == [.stale: ["a", "b", "c"]])
            #expect(try await world.increment("faces") == [.blocked: ["0,a", "0,b", "1,a", "2,a"]])
            #expect(try await world.claim("faces") == nil)
            #expect(try await world.mismatches() == [])
            #expect(try await Self.expand(world, ["a": 3, "b": 1]) == ["a", "b", "c"])
            #expect(try await world.increment("faces") == [.new: ["0,a", "0,b", "1,a", "2,a"]])
            #expect(try await world.work("faces").count == 4)
            try await world.delete("video", "id = 'a'")
            #expect(try await world.increment("frames") == [.orphaned: ["a"]])
            try await world.delete("frames", "video = 'a'")
            #expect(try await world.increment("frames") == [:])
            #expect(try await world.increment("faces") == [.orphaned: ["0,a", "1,a", "2,a"]])
        }
    }

    @Test("a unit lives while any of its records does, stays suppressed after, and comes back with them")
    func deletes() async throws {
        try await Self.filled { world in
            try await world.delete("frames", "video = 'a' AND n > 0")
            #expect(try await Self.list(world) == ["0,a", "0,b"])
            #expect(try await world.increment("frames") == [:])
            try await world.delete("frames", "video = 'a'")
            #expect(try await world.increment("frames") == [:])
            #expect(try await world.mismatches() == [])
            _ = try await world.metaxy.records.restore(
                try #require(FeatureKey("frames")), filters: [try Filter("n = 1")], writer: Writer())
            #expect(try await Self.list(world) == ["0,b", "1,a"])
            #expect(try await world.increment("frames") == [:])
            #expect(try await world.mismatches() == [])
            try await world.delete("frames", "video = 'a'")
            try await world.put("video", Self.video("a", frames: "2"))
            #expect(try await world.increment("frames") == [.new: ["a"]])
        }
    }

    @Test("records written directly join their unit's; without provenance they have what is expected")
    func writes() async throws {
        try await Self.filled { world in
            try await world.put("video", Self.video("d"))
            let outcome = try await world.put("frames", #"{"video":"d","n":0}"#, #"{"video":"d","n":1}"#)
            #expect(outcome.new == 2)
            #expect(try await world.increment("frames") == [:])
            #expect(try await Self.list(world).count == 6)
            try await world.put("frames", #"{"video":"b","n":7,"metaxy_provenance_by_field":{"img":"other"}}"#)
            #expect(try await world.increment("frames") == [.stale: ["b"]])
            #expect(try await Self.expand(world, ["b": 1]) == ["b"])
            #expect(try await Self.list(world) == ["0,a", "0,b", "0,d", "1,a", "1,d", "2,a"])
            await #expect(throws: ServiceError.self) { try await world.put("frames", #"{"video":"none","n":0}"#) }
        }
    }

    @Test("going back brings back the records of then, whatever ended that", arguments: ["written", "deleted"])
    func goesBack(end: String) async throws {
        try await Self.filled { world in
            if end == "written" {
                try await world.put(
                    "frames", #"{"n":3,"video":"a","metaxy_provenance_by_field":{"img":"of the importer"}}"#)
            } else {
                try await world.delete("frames", "video = 'a'")
            }
            try await world.push([Self.video, Self.frames(2), Self.faces, Self.best])
            #expect(try await Self.expand(world, ["a": 1, "b": 2]) == ["a", "b", "c"])
            #expect(try await Self.list(world) == ["0,a", "0,b", "1,b"])
            try await world.push(Self.graph)
            #expect(try await world.increment("frames") == [:])
            #expect(try await Self.list(world) == ["0,a", "0,b", "1,a", "2,a"])
        }
    }

    @Test("lineage leads from a record through its expansion and on; explain speaks of the unit")
    func lineage() async throws {
        try await Self.filled { world in
            try await world.work("best")
            let up = try await world.metaxy.history.trace(
                TraceQuery(
                    feature: try #require(FeatureKey("frames")), key: RecordKey([.integer(1), .string("a")])))
            #expect(up.nodes.map(\.feature.description) == ["frames", "video"])
            let down = try await world.metaxy.history.trace(
                TraceQuery(
                    feature: try #require(FeatureKey("video")), key: RecordKey([.string("a")]), direction: .down))
            #expect(down.nodes.map(\.feature.description) == ["video", "frames", "frames", "frames", "best"])
            try await world.put("video", Self.video("a", frames: "2"))
            let frames = try #require(FeatureKey("frames"))
            #expect(try await world.metaxy.increments.explain(frames, RecordKey([.string("a")])).state == "stale")
            #expect(
                try await world.metaxy.increments.explain(frames, RecordKey([.integer(2), .string("a")])).state
                    == "stale")
        }
    }

    @Test("what is reported has to be of the unit, in units, and of a feature that expands")
    func refusals() async throws {
        try await Self.filled { world in
            try await world.put("video", Self.video("d"))
            let batch = try #require(try await world.claim("frames"))
            let shape = try await world.metaxy.claims.shape(ofClaim: batch.claim.id)
            #expect(shape.idColumns == ["video"])
            #expect(shape.expansion == ExpansionShape(idColumns: ["video"], recordColumns: ["n", "video"]))
            let foreign = RecordRow(
                place: .line(1), key: RecordKey([.integer(0), .string("a")]), metadata: Array("{}".utf8),
                provenance: nil, dataVersions: nil)
            let unit = UnitResult(place: .line(1), key: RecordKey([.string("d")]), records: [foreign])
            await #expect(throws: ServiceError.self) {
                _ = try await world.metaxy.claims.complete(
                    claim: batch.claim.id, token: batch.claim.token, units: [unit], writer: Writer())
            }
            await #expect(throws: ServiceError.self) { try await world.complete(batch) }
            let faults = try await world.refusal(of: [
                Self.video, Self.frames().replacing("1:N", with: "N:1").replacing(#""n","video"]"#, with: #""video"]"#),
            ])
            #expect(faults.first?.contains("give the feature another key") == true)
        }
    }

    @Test("a feature that was declared an expansion, but has made nothing as one, may become something else")
    func reconsidered() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.frames()])
            let identity = """
                {"key":"frames","id_columns":["id"],"deps":[{"feature":"video"}],"fields":[{"key":"img"}]}
                """
            try await world.push([Self.video, identity])
            try await world.put("video", Self.video("a"))
            #expect(try await world.work("frames") == ["a"])
            try await world.push([Self.video, identity.replacing(#""img""#, with: #""img","code_version":"2""#)])
            #expect(try await world.increment("frames") == [.stale: ["a"]])
            let faults = try await world.refusal(of: [Self.video, Self.frames()])
            #expect(faults.first?.contains("give the feature another key") == true)
            #expect(try await world.mismatches() == [])
        }
    }
}
