// Conditions of one resolve, over a socket.

import HTTP
import JSON
import Testing
import WebToken

@testable import API

@Suite("A resolve under conditions")
struct ResolveConditionTests {
    /// Three videos, of which `v1` and `v2` have been computed.
    private static func computed(_ body: @escaping (World) async throws -> Void) async throws {
        try await World.overSocket { world in
            _ = try await world.post("/v1/push", Graphs.push)
            var rows = ""
            for number in 1...3 {
                rows += #"{"video_id":"v\#(number)","size":\#(number * 10),"#
                rows += #""metaxy_provenance_by_field":{"audio":"a","frames":"f\#(number)"}}"# + "\n"
            }
            _ = try await world.postLines("/v1/records/video/raw", rows)
            let own = #"{"video_id":"v1","status":"ok"}"# + "\n" + #"{"video_id":"v2","status":"failed"}"#
            _ = try await world.postLines("/v1/records/video/faces", own)
            try await body(world)
        }
    }

    /// `new v3, stale v1`: the increment that an answer holds, in its order.
    private func told(_ answer: Answer) throws -> String {
        (try answer.json["records"]?.arrayValue ?? []).map { record in
            "\(record["metaxy_change"]?.stringValue ?? "") \(record["video_id"]?.stringValue ?? "")"
        }.joined(separator: ", ")
    }

    static let cases: [(body: String, increment: String)] = [
        ("{}", "new v3"),
        (#"{"filters":{"video/raw":["size > 10"]}}"#, "orphaned v1, new v3"),
        (#"{"filters":{"video/raw":"size < 30"}}"#, ""),
        (#"{"filters":{"video/faces":["status = 'ok'"]}}"#, "new v2, new v3"),
        (#"{"target_filters":["status = 'failed'"]}"#, "new v1, new v3"),
        (#"{"global_filters":["video_id <> 'v3'"]}"#, ""),
        (#"{"global_filters":["video_id <> 'v3'","video_id <> 'v2'"]}"#, ""),
        (#"{"staleness_predicates":["status = 'failed'"]}"#, "stale v2, new v3"),
        (#"{"staleness_predicates":["status = 'failed'","status = 'ok'"],"kinds":["stale"]}"#, "stale v1, stale v2"),
        (#"{"skip_comparison":true}"#, "new v1, new v2, new v3"),
        (#"{"skip_comparison":false,"compat":"metaxy"}"#, "new v3"),
        (#"{"filters":null,"samples":null,"compat":null,"global_filters":null}"#, "new v3"),
        (
            #"{"samples":[{"video_id":"v1","metaxy_provenance_by_field":{"faces":"x"}}]}"#,
            "stale v1, orphaned v2"
        ),
    ]

    @Test("looks at what its filters, predicates and samples say, whole and in pages")
    func conditions() async throws {
        try await Self.computed { world in
            for entry in Self.cases {
                let whole = try await world.post("/v1/resolve/video/faces", entry.body)
                #expect(whole.status == 200, "\(entry.body): \(whole.text)")
                #expect(try told(whole) == entry.increment, "\(entry.body)")
                var parts: [String] = []
                var cursor = "null"
                repeat {
                    let joint = entry.body == "{}" ? "" : ","
                    let body = #"{"limit":1,"cursor":\#(cursor)\#(joint)\#(entry.body.dropFirst())"#
                    let page = try await world.post("/v1/resolve/video/faces", body)
                    if try !told(page).isEmpty { parts.append(try told(page)) }
                    cursor = try page.json["next_cursor"]?.stringValue.map { "\"\($0)\"" } ?? "null"
                } while cursor != "null"
                #expect(parts.joined(separator: ", ") == entry.increment, "\(entry.body) in pages")
            }
        }
    }

    @Test("says with which cause, how many there are, and streams")
    func shapes() async throws {
        try await Self.computed { world in
            let body = #"{"staleness_predicates":["status = 'failed'"]}"#
            let answer = try await world.post("/v1/resolve/video/faces", body)
            let stale = try #require(try answer.json["records"]?.arrayValue?.first)
            #expect(stale["metaxy_causes"] == .object(["faces": .array([.string("predicate")])]))
            #expect(stale["size"]?.number == 20)
            let counts = try answer.json["counts"]
            #expect([counts?["new"]?.number, counts?["stale"]?.number, counts?["up_to_date"]?.number] == [1, 1, 1])
            let lines = try await world.post(
                "/v1/resolve/video/faces", body, headers: [("Accept", "application/x-ndjson")])
            #expect(lines.headers["Content-Type"] == "application/x-ndjson")
            #expect(lines.text.split(separator: "\n").count == 2)
            let only = try await world.post(
                "/v1/resolve/video/faces", #"{"skip_comparison":true,"counts_only":true}"#)
            #expect(try only.json["counts"]?["new"]?.number == 3)
            #expect(try only.json["records"]?.arrayValue?.isEmpty == true)
        }
    }

    @Test("samples stand for what a root should have")
    func samples() async throws {
        try await Self.computed { world in
            func sample(_ id: String, _ frames: String) -> String {
                #"{"video_id":"\#(id)","size":1,"metaxy_provenance_by_field":{"audio":"a","frames":"\#(frames)"}}"#
            }
            let body = #"{"samples":[\#(sample("v1", "f1")),\#(sample("v2", "changed")),\#(sample("v9", "f9"))]}"#
            let answer = try await world.post("/v1/resolve/video/raw", body)
            #expect(try told(answer) == "stale v2, new v9, orphaned v3")
            let stale = try answer.json["records"]?.arrayValue?[0]
            #expect(stale?["metaxy_stale_fields"] == .array([.string("frames")]))
            #expect(try await world.get("/v1/records/video/raw").json["records"]?.arrayValue?.count == 3)
        }
    }

    /// A body, and the place of the first thing at fault.
    static let refused: [(feature: String, body: String, pointer: String, detail: String)] = [
        ("video/faces", #"{"filters":{"video/raw":["size >"]}}"#, "/filters/video~1raw/0", "column 7"),
        ("video/faces", #"{"filters":{"video/raw":"size > > 1"}}"#, "/filters/video~1raw", "column 8"),
        ("video/faces", #"{"filters":{"other":["a = 1"]}}"#, "/filters/other", "neither"),
        ("video/faces", #"{"filters":{"A b":["a = 1"]}}"#, "/filters/A b", "key of a feature"),
        ("video/faces", #"{"filters":["a = 1"]}"#, "/filters", "expected an object"),
        ("video/faces", #"{"global_filters":["a = 1", "b = = 2"]}"#, "/global_filters/1", "column 5"),
        ("video/faces", #"{"target_filters":[1]}"#, "/target_filters/0", "expected a string"),
        ("video/faces", #"{"staleness_predicates":"(a"}"#, "/staleness_predicates", "column 3"),
        ("video/faces", #"{"skip_comparison":"yes"}"#, "/skip_comparison", "true or false"),
        ("video/faces", #"{"compat":"other"}"#, "/compat", "metaxy"),
        ("video/faces", #"{"samples":{}}"#, "/samples", "expected an array"),
        ("video/faces", #"{"samples":[{"video_id":"v1"}]}"#, "/samples/0", "metaxy_provenance_by_field"),
        ("video/faces", #"{"samples":[{"video_id":1.5}]}"#, "/samples/0/video_id", "whole number"),
        ("video/raw", "{}", "/samples", "root"),
        ("video/faces", #"{"filter":"a = 1"}"#, "/filter", "unknown member"),
    ]

    @Test("is refused with the place of each fault, in a filter with its column")
    func refusals() async throws {
        try await Self.computed { world in
            for entry in Self.refused {
                let answer = try await world.post("/v1/resolve/\(entry.feature)", entry.body)
                try expectProblem(answer, 422, "validation_failed")
                let error = try answer.json["errors"]?.arrayValue?.first
                #expect(error?["pointer"]?.stringValue == entry.pointer, "\(entry.body)")
                #expect(error?["detail"]?.stringValue?.contains(entry.detail) == true, "\(answer.text)")
            }
            let many = "[" + Array(repeating: "\"a = 1\"", count: 101).joined(separator: ",") + "]"
            let answer = try await world.post("/v1/resolve/video/faces", #"{"global_filters":\#(many)}"#)
            try expectProblem(answer, 422, "validation_failed")
        }
    }

    @Test("a cursor belongs to its conditions, and one that nobody gave does no harm")
    func cursors() async throws {
        try await Self.computed { world in
            let body = #"{"limit":1,"skip_comparison":true"#
            let first = try await world.post("/v1/resolve/video/faces", body + "}")
            let cursor = try #require(try first.json["next_cursor"]?.stringValue)
            for other in [
                #"{"cursor":"\#(cursor)"}"#, #"{"cursor":"\#(cursor)","skip_comparison":true,"compat":"metaxy"}"#,
                #"{"cursor":"\#(cursor)","skip_comparison":true,"target_filters":["a = 1"]}"#,
            ] {
                try expectProblem(try await world.post("/v1/resolve/video/faces", other), 400, "invalid_cursor")
            }
            // The position is the last eight bytes: a forged one asks for what comes after all records.
            var bytes = try #require(Base64URL.decode(cursor))
            bytes.replaceSubrange(9..<17, with: [0x7F] + Array(repeating: 0xFF, count: 7))
            let forged = #"\#(body),"cursor":"\#(Base64URL.encode(bytes))"}"#
            #expect(try told(try await world.post("/v1/resolve/video/faces", forged)) == "")
        }
    }
}
