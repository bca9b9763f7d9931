// Filters that a dep declares: which upstream records are inputs at all.

import Feature
import JSON
import Service
import Store
import Testing

@Suite("Static filters")
struct StaticFilterTests {
    private static let video = """
        {"key":"video/raw","id_columns":["id"],"fields":[{"key":"audio","code_version":"1"}]}
        """

    private static func leaf(_ dep: String, idColumns: String = "id") -> String {
        """
        {"key":"leaf","id_columns":["\(idColumns)"],"deps":[{"feature":"video/raw",\(dep)}],\
        "fields":[{"key":"p","code_version":"1"}]}
        """
    }

    private static func row(_ id: String, _ columns: String, version: String = "1") -> String {
        #"{"id":"\#(id)",\#(columns),"metaxy_provenance_by_field":{"audio":"\#(version)"}}"#
    }

    @Test("an upstream record that does not pass is as if it were not there; unknown does not pass")
    func selection() async throws {
        try await World.with { world in
            let filters = #""sql_filters":["length >= 3 AND kind <> 'c'","note IS NULL"]"#
            try await world.push([Self.video, Self.leaf(filters)])
            try await world.put(
                "video/raw", Self.row("a", #""length":3,"kind":"a""#), Self.row("b", #""length":2,"kind":"a""#),
                Self.row("c", #""length":3,"kind":"c""#), Self.row("d", #""length":9,"kind":null"#),
                Self.row("e", #""length":9,"kind":"b","note":"x""#))
            #expect(try await world.increment("leaf") == [.new: ["a"]])
            #expect(try await world.work("leaf") == ["a"])
            #expect(try await world.increment("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a filter speaks of columns as renamed, and of the upstream's versions behind its key")
    func names() async throws {
        try await World.with { world in
            let dep = #"""
                "rename":{"id":"video_id","length":"seconds"},\#
                "sql_filters":["video_id <> 'b' AND seconds > 1 AND length IS NULL AND id IS NULL",\#
                "metaxy_data_version_by_field__video_raw.audio <> '7'"]
                """#
            try await world.push([Self.video, Self.leaf(dep, idColumns: "video_id")])
            try await world.put(
                "video/raw", Self.row("a", #""length":2"#), Self.row("b", #""length":2"#),
                Self.row("c", #""length":2"#, version: "7"), Self.row("d", #""length":1"#))
            #expect(try await world.increment("leaf") == [.new: ["a"]])
            try await world.put("video/raw", Self.row("c", #""length":2"#, version: "8"))
            #expect(try await world.increment("leaf") == [.new: ["a", "c"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a record that leaves the filter orphans, one that enters it is new; other columns touch nothing")
    func metadataMoves() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.leaf(#""sql_filters":["n >= 3"]"#)])
            try await world.put("video/raw", Self.row("a", #""n":3,"x":1"#), Self.row("b", #""n":2,"x":1"#))
            try await world.work("leaf")
            #expect(try await world.candidates() == [:])
            try await world.put("video/raw", Self.row("a", #""n":3,"x":2"#), Self.row("b", #""n":2,"x":2"#))
            #expect(try await world.candidates() == [:])
            try await world.put("video/raw", Self.row("a", #""n":1,"x":2"#), Self.row("b", #""n":4,"x":2"#))
            #expect(try await world.candidates() == ["leaf": 2])
            #expect(try await world.increment("leaf") == [.orphaned: ["a"], .new: ["b"]])
            #expect(try await world.mismatches() == [])
            try await world.put("video/raw", Self.row("a", #""n":3,"x":2"#), Self.row("b", #""n":2,"x":2"#))
            #expect(try await world.increment("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a result that changes only the metadata a filter reads moves what is downstream")
    func computedMetadata() async throws {
        try await World.with { world in
            let crop = """
                {"key":"crop","id_columns":["id"],"deps":[{"feature":"video/raw"}],\
                "fields":[{"key":"c","code_version":"1"}]}
                """
            let faces = """
                {"key":"faces","id_columns":["id"],"deps":[{"feature":"crop","sql_filters":["faces > 0"]}],\
                "fields":[{"key":"f","code_version":"1"}]}
                """
            try await world.push([Self.video, crop, faces])
            try await world.put("video/raw", Self.row("a", #""n":1"#), Self.row("b", #""n":1"#))
            let claim = try #require(try await world.claim("crop"))
            let shape = try await world.metaxy.records.shape(of: claim.plan.key)
            let rows = [#"{"id":"a","faces":2}"#, #"{"id":"b","faces":0}"#]
            _ = try await world.metaxy.claims.complete(
                claim: claim.claim.id, token: claim.claim.token,
                rows: rows.enumerated().map { try world.row(JSONValue(parsing: Array($1.utf8)), shape, line: $0 + 1) },
                writer: Writer())
            #expect(try await world.increment("faces") == [.new: ["a"]])
            try await world.work("faces")
            try await world.put("crop", #"{"id":"b","faces":1}"#)
            #expect(try await world.increment("faces") == [.new: ["b"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("changing the filter or the rename of a dep judges its records again, and nothing else does")
    func redefinition() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.leaf(#""sql_filters":["n >= 3"]"#)])
            try await world.put("video/raw", Self.row("a", #""n":3"#), Self.row("b", #""n":2"#))
            try await world.work("leaf")
            try await world.push([Self.video, Self.leaf(#""sql_filters":["n <= 2"]"#)])
            #expect(try await world.increment("leaf") == [.orphaned: ["a"], .new: ["b"]])
            #expect(try await world.mismatches() == [])
            try await world.push([Self.video, Self.leaf(#""sql_filters":["n >= 3"]"#)])
            #expect(try await world.increment("leaf") == [:])
            try await world.push([Self.video, Self.leaf(#""rename":{"n":"m"},"sql_filters":["n >= 3"]"#)])
            #expect(try await world.increment("leaf") == [.orphaned: ["a"]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a text that is no filter is refused at push, with its place")
    func syntax() async throws {
        try await World.with { world in
            let faults = try await world.refusal(of: [
                Self.video, Self.leaf(#""sql_filters":["n >= 3","n >= "]"#),
            ])
            #expect(faults.count == 1)
            let fault = try #require(faults.first)
            #expect(fault.hasPrefix("/features/1/spec/deps/0/sql_filters/1: "))
            #expect(fault.contains("column 6"))
        }
    }
}
