// Optional deps: records are expected also where the upstream record is missing.

import Feature
import Service
import Store
import Testing

@Suite("Optional deps")
struct OptionalDepTests {
    private static func root(_ key: String, idColumn: String = "id") -> String {
        #"{"key":"\#(key)","id_columns":["\#(idColumn)"],"fields":[{"key":"\#(key)","code_version":"1"}]}"#
    }

    private static func leaf(_ deps: String...) -> String {
        """
        {"key":"leaf","id_columns":["id"],"deps":[\(deps.joined(separator: ","))],\
        "fields":[{"key":"p","code_version":"1"}]}
        """
    }

    private static func row(_ feature: String, _ id: String, _ version: String = "1", column: String = "id") -> String {
        #"{"\#(column)":"\#(id)","metaxy_provenance_by_field":{"\#(feature)":"\#(version)"}}"#
    }

    private static let video = root("video")
    private static let text = root("text")
    private static let left = leaf(#"{"feature":"video"}"#, #"{"feature":"text","optional":true}"#)

    @Test("a record is expected where the optional upstream was never written, and its lineage says so")
    func neverWritten() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.text, Self.left])
            try await world.put("video", Self.row("video", "a"), Self.row("video", "b"))
            #expect(try await world.increment("leaf") == [.new: ["a", "b"]])
            try await world.work("leaf")
            #expect(try await world.increment("leaf") == [:])
            let trace = try await world.metaxy.history.trace(
                TraceQuery(feature: try #require(FeatureKey("leaf")), key: RecordKey([.string("a")])))
            #expect(trace.nodes.map(\.feature.description) == ["leaf", "video"])
            let parents = try #require(trace.nodes.first?.entry.parents)
            #expect(parents.map { $0.map { $0.entry == 0 } } == [[false], [true]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("what an optional upstream brings, changes and takes away makes records stale, never new or orphaned")
    func comesAndGoes() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.text, Self.left])
            try await world.put("video", Self.row("video", "a"), Self.row("video", "b"))
            try await world.work("leaf")
            try await world.put("text", Self.row("text", "a"), Self.row("text", "elsewhere"))
            #expect(try await world.increment("leaf") == [.stale: ["a"]])
            try await world.work("leaf")
            try await world.put("text", Self.row("text", "a", "2"))
            #expect(try await world.increment("leaf") == [.stale: ["a"]])
            try await world.work("leaf")
            try await world.delete("text", "id = 'a'")
            #expect(try await world.increment("leaf") == [.stale: ["a"]])
            #expect(try await world.mismatches() == [])
            try await world.delete("video", "id = 'b'")
            #expect(try await world.increment("leaf") == [.stale: ["a"], .orphaned: ["b"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("where all deps are optional, a record of any upstream makes one expected, whatever its ids are called")
    func allOptional() async throws {
        try await World.with { world in
            let other = Self.root("text", idColumn: "text_id")
            let leaf = Self.leaf(
                #"{"feature":"video","optional":true}"#,
                #"{"feature":"text","optional":true,"rename":{"text_id":"id"}}"#)
            try await world.push([Self.video, other])
            try await world.put("video", Self.row("video", "a"), Self.row("video", "b"))
            try await world.put("text", Self.row("text", "b", column: "text_id"))
            try await world.put("text", Self.row("text", "c", column: "text_id"))
            try await world.push([Self.video, other, leaf])
            #expect(try await world.increment("leaf") == [.new: ["a", "b", "c"]])
            try await world.work("leaf")
            try await world.delete("video", "id = 'b' OR id = 'a'")
            #expect(try await world.increment("leaf") == [.orphaned: ["a"], .stale: ["b"]])
            try await world.put("text", Self.row("text", "d", column: "text_id"))
            #expect(try await world.increment("leaf") == [.orphaned: ["a"], .stale: ["b"], .new: ["d"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("making a dep optional or required judges its records again")
    func redefinition() async throws {
        try await World.with { world in
            let inner = Self.leaf(#"{"feature":"video"}"#, #"{"feature":"text"}"#)
            try await world.push([Self.video, Self.text, inner])
            try await world.put("video", Self.row("video", "a"), Self.row("video", "b"))
            try await world.put("text", Self.row("text", "a"))
            #expect(try await world.increment("leaf") == [.new: ["a"]])
            try await world.work("leaf")
            try await world.push([Self.video, Self.text, Self.left])
            #expect(try await world.increment("leaf") == [.new: ["b"]])
            try await world.work("leaf")
            #expect(try await world.mismatches() == [])
            try await world.push([Self.video, Self.text, inner])
            #expect(try await world.increment("leaf") == [.orphaned: ["b"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("an optional input that is there and stale holds a record up; one that is yet to be computed does not")
    func settledInputs() async throws {
        try await World.with { world in
            let crop = """
                {"key":"crop","id_columns":["id"],"deps":[{"feature":"text"}],"fields":[{"key":"c","code_version":"1"}]}
                """
            let leaf = Self.leaf(#"{"feature":"video"}"#, #"{"feature":"crop","optional":true}"#)
            try await world.push([Self.video, Self.text, crop, leaf])
            try await world.put("video", Self.row("video", "a"))
            try await world.put("text", Self.row("text", "a"))
            #expect(try await world.increment("leaf") == [.new: ["a"]])
            try await world.work("leaf")
            try await world.work("crop")
            #expect(try await world.increment("leaf") == [.stale: ["a"]])
            try await world.put("text", Self.row("text", "a", "2"))
            #expect(try await world.increment("leaf") == [.blocked: ["a"]])
            #expect(try await world.claim("leaf") == nil)
            #expect(try await world.mismatches() == [])
            try await world.work("crop")
            #expect(try await world.work("leaf") == ["a"])
            #expect(try await world.mismatches() == [])
        }
    }
}
