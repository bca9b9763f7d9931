// Lists in pages and in streams.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("Paging and streaming")
struct PagingTests {
    @Test("pages lead through all records once, and a cursor belongs to its query")
    func pages() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            _ = try await world.postLines("/v1/records/video/raw", Self.rows(25))
            for target in ["/v1/records/video/raw", "/v1/records/video/raw?include_deleted=true"] {
                let joint = target.contains("?") ? "&" : "?"
                var ids: [String] = []
                var cursor = ""
                repeat {
                    let page = try await world.get("\(target)\(joint)limit=10\(cursor)").json
                    ids += (page["records"]?.arrayValue ?? []).compactMap { $0["video_id"]?.stringValue }
                    cursor = page["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(ids == (0..<25).map { "v\($0)" }.sorted())
            }
            let page = try await world.get("/v1/records/video/raw?limit=10").json
            let cursor = try #require(page["next_cursor"]?.stringValue)
            for other in [
                "/v1/records/video/faces?cursor=\(cursor)",
                "/v1/records/video/raw?include_deleted=true&cursor=\(cursor)",
                "/v1/records/video/raw?columns=a&cursor=\(cursor)", "/v1/projects?cursor=\(cursor)",
            ] {
                try expectProblem(try await world.get(other), 400, "invalid_cursor")
            }
            #expect(try await world.get("/v1/records/video/raw?limit=3&cursor=\(cursor)").status == 200)
            #expect(try await world.get("/v1/records/video/raw?limit=99999999999999999999").status == 200)
        }
    }

    @Test("long rows stream whole and in order, whatever the pages and parts are")
    func longRows() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            // Short ones first, so that pages have grown when the long ones come.
            let rows = (0..<1_500).map { number in
                let text = String(repeating: "x", count: number < 700 ? 10 : 20_000 + number)
                let versions = #""metaxy_provenance_by_field":{"audio":"a\#(number)","frames":"f\#(number)"}"#
                return #"{"video_id":"v\#(number + 10_000)","text":"\#(text)",\#(versions)}"#
            }
            _ = try await world.postLines("/v1/records/video/raw", rows.joined(separator: "\n"))
            let wanted = [("Accept", "application/x-ndjson")]
            let expected = (0..<1_500).map { "v\($0 + 10_000)" }
            for target in ["/v1/records/video/raw", "/v1/resolve/video/faces"] {
                let isList = target.hasPrefix("/v1/records")
                let answer = try await world.send(isList ? "GET" : "POST", target, headers: wanted)
                #expect(answer.status == 200 && !answer.isAborted)
                let lines = try answer.text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                #expect(lines.compactMap { $0["video_id"]?.stringValue } == expected)
            }
        }
    }

    @Test("a page that follows has as many rows as make half a megabyte, and four times as many as before at most")
    func portions() {
        let pages: [(limit: Int, bytes: Int, next: Int)] = [
            (64, 0, 256), (64, 64 * 400, 256), (1_024, 1_024 * 400, 1_310), (1_310, 1_310 * 20_000, 26),
            (2_000, 2_000 * 20, 2_000), (64, 64 << 19, 1), (1, 4 << 20, 1), (1, 400, 4),
        ]
        for page in pages { #expect(Portion(page: 0, limit: page.limit).next(bytes: page.bytes) == page.next) }
    }

    @Test("an increment in pages has its counts on the first")
    func increment() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            _ = try await world.postLines("/v1/records/video/raw", Self.rows(5))
            let first = try await world.post("/v1/resolve/video/faces", #"{"limit":3}"#).json
            #expect(first["counts"]?["new"]?.number == 5)
            let cursor = try #require(first["next_cursor"]?.stringValue)
            let second = try await world.post("/v1/resolve/video/faces", #"{"limit":3,"cursor":"\#(cursor)"}"#).json
            #expect(second["counts"] == .null)
            #expect(second["records"]?.arrayValue?.count == 2)
            #expect(second["next_cursor"] == .null)
            let other = try await world.post("/v1/resolve/video/faces", #"{"kinds":["new"],"cursor":"\#(cursor)"}"#)
            try expectProblem(other, 400, "invalid_cursor")
            let counts = try await world.post("/v1/resolve/video/faces", #"{"counts_only":true}"#).json
            #expect(counts["counts"]?["new"]?.number == 5)
            #expect(counts["records"]?.arrayValue?.isEmpty == true)
            let lines = try await world.send(
                "POST", "/v1/resolve/video/faces", headers: [("Accept", "application/x-ndjson, application/json;q=0.5")]
            )
            #expect(lines.headers["Content-Type"] == "application/x-ndjson")
            #expect(lines.text.split(separator: "\n").count == 5)
            #expect(!lines.isAborted)
        }
    }

    @Test("an error after the first byte ends a stream with a line that says so, and breaks it off")
    func brokenStream() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            _ = try await world.postLines("/v1/records/video/raw", Self.rows(2_001))
            let answer = try await world.getBreaking("/v1/records/video/raw")
            #expect(answer.isAborted)
            let lines = answer.text.split(separator: "\n")
            #expect(lines.count == RequestLimits.streamRowsFirst + 1)
            let last = try JSONValue(parsing: Array(try #require(lines.last).utf8))
            #expect(last["error"]?["code"]?.stringValue == "unavailable")
            #expect(last["error"]?["instance"]?.stringValue == "/v1/records/video/raw")
            let metrics = try await world.get("/metrics").text
            let series = #"_count{method="GET",route="/v1/records/{key}",status="200"} 1"#
            #expect(metrics.contains(series + "\n"))
        }
    }

    @Test("an answer that nobody takes does not count as in flight for ever")
    func abandonedStream() async throws {
        try await World.with { world in
            try await world.prepare()
            let head = try World.head("GET", "/v1/records/video/raw", headers: [("Accept", "application/x-ndjson")])
            let body = RequestBody(declaredLength: 0) { () async throws(BodyError) in nil }
            _ = await world.api.respond(Request(head: head, body: body, remote: "local"))
            #expect(try await world.get("/metrics").text.contains("http_server_requests_in_flight 1\n"))
        }
    }

    @Test(
        "what no client accepts is refused, what it prefers is chosen",
        arguments: [
            ("*/*", 200), ("application/json", 200), ("text/html", 406), ("application/*;q=0.1", 200),
            ("application/json;q=0, application/x-ndjson", 200), ("application/json;q=0", 406), ("", 406),
        ] as [(String, UInt16)])
    func accept(_ value: String, _ status: UInt16) async throws {
        try await World.with { world in
            try await world.prepare()
            let answer = try await world.get("/v1/records/video/raw", headers: [("Accept", value)])
            #expect(answer.status == status, "\(answer.text)")
        }
    }

    private static func rows(_ count: Int) -> String {
        (0..<count).map {
            #"{"video_id":"v\#($0)","metaxy_provenance_by_field":{"audio":"a\#($0)","frames":"f\#($0)"}}"# + "\r\n"
        }.joined()
    }
}
