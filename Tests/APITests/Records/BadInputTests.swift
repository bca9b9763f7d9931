// What a client can get wrong: each answers a problem that says where, and changes nothing.

import API
import HTTP
import JSON
import Postgres
import Synchronization
import Testing

@Suite("Bad input")
struct BadInputTests {
    /// A request that has to be refused.
    struct Case: Sendable {
        let name: String
        let method: String
        let target: String
        let type: String?
        let body: [UInt8]?
        let status: UInt16
        let code: String
        /// The place of the first thing at fault: `line 2`, a pointer, or a parameter.
        let place: String?

        init(
            _ name: String, _ target: String, _ body: String, _ status: UInt16, _ code: String, at place: String?
        ) {
            self.init(name, "POST", target, "application/json", Array(body.utf8), status, code, place)
        }

        init(
            _ name: String, _ method: String, _ target: String, _ type: String?, _ body: [UInt8]?, _ status: UInt16,
            _ code: String, _ place: String?
        ) {
            self.name = name
            self.method = method
            self.target = target
            self.type = type
            self.body = body
            self.status = status
            self.code = code
            self.place = place
        }

        /// Lines for the root.
        static func lines(_ name: String, _ text: String, at line: Int?, _ code: String = "validation_failed") -> Case {
            Case(
                name, "POST", "/v1/records/video/raw", "application/x-ndjson", Array(text.utf8),
                code == "invalid_json" ? 400 : 422, code, line.map { "line \($0)" })
        }

        static func get(_ name: String, _ target: String, _ status: UInt16, _ code: String, at place: String?) -> Case {
            Case(name, "GET", target, nil, nil, status, code, place)
        }
    }

    private static let good = #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}"#
    private static let versions = #""metaxy_provenance_by_field":{"audio":"a","frames":"f"}"#
    private static let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    private static let long = String(repeating: "x", count: 1_000_000)

    static let lines: [Case] = [
        .lines("a truncated line", good + "\n" + #"{"video_id":"v2","metaxy_pro"#, at: 2, "invalid_json"),
        .lines("an empty line", good + "\n\n" + good, at: 2, "invalid_json"),
        .lines("two records on a line", good + good, at: 1, "invalid_json"),
        .lines("a line that is no object", good + "\n[1]\n", at: 2),
        .lines("a missing id column", "{\(versions)}", at: 1),
        .lines("a null id", #"{"video_id":null,\#(versions)}"#, at: 1),
        .lines("a fraction as id", #"{"video_id":1.5,\#(versions)}"#, at: 1),
        .lines("an exponent as id", #"{"video_id":1e3,\#(versions)}"#, at: 1),
        .lines("an array as id", #"{"video_id":["v1"],\#(versions)}"#, at: 1),
        .lines("an id of a megabyte", #"{"video_id":"\#(long)",\#(versions)}"#, at: 1),
        .lines("an id of 3,000 digits", #"{"video_id":\#(String(repeating: "7", count: 3_000)),\#(versions)}"#, at: 1),
        .lines("a column of a megabyte", #"{"video_id":"v1","text":"\#(long)",\#(versions)}"#, at: 1),
        .lines("the same record twice", good + "\n" + good, at: 2),
        .lines("the same column twice", #"{"video_id":"v1","a":1,"a":2,\#(versions)}"#, at: 1),
        .lines("the same column twice, once escaped", #"{"video_id":"v1","a":1,"\u0061":2,\#(versions)}"#, at: 1),
        .lines("the id column twice", #"{"video_id":"v1","video_id":"v2",\#(versions)}"#, at: 1),
        .lines("a member twice inside a column", #"{"video_id":"v1","a":{"b":1,"b":2},\#(versions)}"#, at: 1),
        .lines("an unknown system column", #"{"video_id":"v1","metaxy_color":1,\#(versions)}"#, at: 1),
        .lines("a column without a name", #"{"video_id":"v1","":1,\#(versions)}"#, at: 1),
        .lines("U+0000 in an id", #"{"video_id":"v\u0000",\#(versions)}"#, at: 1),
        .lines("U+0000 in a column", #"{"video_id":"v1","a":"x\u0000",\#(versions)}"#, at: 1),
        .lines("U+0000 deep in a column", #"{"video_id":"v1","a":[{"b\u0000":1}],\#(versions)}"#, at: 1),
        .lines("U+0000 in the name of a column", #"{"video_id":"v1","a\u0000":1,\#(versions)}"#, at: 1),
        .lines("a number beyond the database", #"{"video_id":"v1","a":1e99999,\#(versions)}"#, at: 1),
        .lines("no versions for a root", #"{"video_id":"v1"}"#, at: 1),
        .lines("versions that are a string", #"{"video_id":"v1","metaxy_provenance_by_field":"a"}"#, at: 1),
        .lines(
            "a version that is a number", #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":1,"frames":"f"}}"#,
            at: 1),
        .lines("a field too few", #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a"}}"#, at: 1),
        .lines(
            "a field too many", #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f","x":"y"}}"#,
            at: 1),
        .lines(
            "a field twice", #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","audio":"a","frames":"f"}}"#,
            at: 1),
        .lines(
            "an unknown field with a data version",
            #"{"video_id":"v1",\#(versions),"metaxy_data_version_by_field":{"x":"y"}}"#, at: 1),
        .lines("too deep", #"{"video_id":"v1","a":\#(deep),\#(versions)}"#, at: 1, "invalid_json"),
        .lines("a lone surrogate", #"{"video_id":"\ud800",\#(versions)}"#, at: 1, "invalid_json"),
        .lines("a byte order mark", "\u{FEFF}" + good, at: 1, "invalid_json"),
        .lines("one bad line among good ones", good + "\n" + good.replacing("v1", with: "v2") + "\n{}\n", at: 3),
    ]

    static let documents: [Case] = [
        Case("a document that is an array", "/v1/push", "[]", 422, "validation_failed", at: ""),
        Case("an empty document", "/v1/push", "", 400, "invalid_json", at: ""),
        Case(
            "a broken document", "/v1/push", #"{"project":"p","features":[{]}"#, 400, "invalid_json", at: "/features/0"),
        Case(
            "a member twice", "/v1/push", #"{"project":"p","project":"q","features":[]}"#, 400, "invalid_json", at: ""),
        Case(
            "an unknown member", "/v1/push", #"{"project":"p","features":[],"feature":1}"#, 422, "validation_failed",
            at: "/feature"),
        Case("a missing member", "/v1/push", #"{"features":[]}"#, 422, "validation_failed", at: "/project"),
        Case("a wrong type", "/v1/push", #"{"project":1,"features":[]}"#, 422, "validation_failed", at: "/project"),
        Case(
            "a project with a slash", "/v1/push", #"{"project":"a/b","features":[]}"#, 422, "validation_failed",
            at: "/project"),
        Case(
            "an unknown member of a spec", "/v1/push",
            #"{"project":"p","features":[{"spec":{"key":"a","id_columns":["i"],"x":1}}]}"#, 422, "validation_failed",
            at: "/features/0/spec/x"),
        Case(
            "a feature twice", "/v1/push",
            #"{"project":"p","features":[{"spec":{"key":"a","id_columns":["i"]}},{"spec":{"key":"a","id_columns":["i"]}}]}"#,
            422, "validation_failed", at: "/features/1/spec/key"),
        Case(
            "U+0000 in a code version", "/v1/push",
            #"{"project":"p","features":[{"spec":{"key":"a","id_columns":["i"],"fields":[{"key":"f","code_version":"\u0000"}]}}]}"#,
            422, "validation_failed", at: "/features/0/spec/fields/0/code_version"),
        Case(
            "U+0000 in a tag", "/v1/push", #"{"project":"p","features":[],"tags":{"a":"\u0000"}}"#, 422,
            "validation_failed", at: "/tags/a"),
        Case(
            "an unknown upstream", "/v1/push",
            #"{"project":"p","features":[{"spec":{"key":"a","id_columns":["i"],"deps":[{"feature":"zz"}]}}]}"#, 422,
            "invalid_graph", at: "/features/0/spec/deps/0/feature"),
        Case(
            "a feature of another project", "/v1/push",
            #"{"project":"p","features":[{"spec":{"key":"video/raw","id_columns":["video_id"]}}]}"#, 422,
            "invalid_graph", at: "/features/0/spec/key"),
        Case(
            "records that are no list", "/v1/records/video/raw", #"{"records":{}}"#, 422, "validation_failed",
            at: "/records"),
        Case("no records", "/v1/records/video/raw", "{}", 422, "validation_failed", at: "/records"),
        Case(
            "a member beside records", "/v1/records/video/raw", #"{"records":[],"x":1}"#, 422, "validation_failed",
            at: "/x"),
        Case(
            "records twice", "/v1/records/video/raw", #"{"records":[],"records":[]}"#, 400, "invalid_json",
            at: "/records"),
        Case(
            "a broken record", "/v1/records/video/raw", #"{"records":[{"video_id":tru}]}"#, 400, "invalid_json",
            at: "/records/0"),
        Case(
            "a bad id in a document", "/v1/records/video/raw",
            #"{"records":[{"video_id":"v1",\#(versions)},{"video_id":null}]}"#, 422, "validation_failed",
            at: "/records/1/video_id"),
        Case("an unknown feature", "/v1/records/video/row", #"{"records":[]}"#, 404, "feature_not_found", at: nil),
        Case("a key that cannot be", "/v1/records/Video", #"{"records":[]}"#, 404, "feature_not_found", at: nil),
        Case(
            "a derived record without inputs", "/v1/records/video/faces", #"{"records":[{"video_id":"v9"}]}"#, 422,
            "validation_failed", at: "/records/0"),
        Case("an increment of a root", "/v1/resolve/video/raw", "{}", 422, "validation_failed", at: "/samples"),
        Case(
            "an unknown kind", "/v1/resolve/video/faces", #"{"kinds":["new","old"]}"#, 422, "validation_failed",
            at: "/kinds/1"),
        Case("no kinds", "/v1/resolve/video/faces", #"{"kinds":[]}"#, 422, "validation_failed", at: "/kinds"),
        Case("a limit of zero", "/v1/resolve/video/faces", #"{"limit":0}"#, 422, "validation_failed", at: "/limit"),
        Case(
            "a limit that is a fraction", "/v1/resolve/video/faces", #"{"limit":1.5}"#, 422, "validation_failed",
            at: "/limit"),
        Case("a made-up cursor", "/v1/resolve/video/faces", #"{"cursor":"abc"}"#, 400, "invalid_cursor", at: "cursor"),
        Case(
            "a claim without a worker", "/v1/claims", #"{"feature":"video/faces"}"#, 422, "validation_failed",
            at: "/worker"),
        Case("a claim on nothing", "/v1/claims", #"{"worker":"w"}"#, 422, "validation_failed", at: "/feature"),
        Case(
            "a claim on two ways", "/v1/claims", #"{"worker":"w","feature":"video/faces","features":["video/faces"]}"#,
            422, "validation_failed", at: "/feature"),
        Case(
            "a claim on a root", "/v1/claims", #"{"worker":"w","feature":"video/raw"}"#, 422, "validation_failed",
            at: "/feature"),
        Case(
            "a claim on an unknown feature", "/v1/claims", #"{"worker":"w","features":["nope"]}"#, 404,
            "feature_not_found", at: nil),
        Case(
            "a worker with U+0000", "/v1/claims", #"{"worker":"w\u0000","feature":"video/faces"}"#, 422,
            "validation_failed", at: "/worker"),
        Case("an unknown claim", "/v1/claims/99/heartbeat", #"{"token":1}"#, 404, "claim_not_found", at: nil),
        Case("a claim that is no number", "/v1/claims/x/release", #"{"token":1}"#, 404, "claim_not_found", at: nil),
        Case(
            "a claim beyond 64 bits", "/v1/claims/99999999999999999999/release", #"{"token":1}"#, 404,
            "claim_not_found", at: nil),
        Case(
            "an id with an unknown column", "/v1/lineage/video/raw", #"{"id":{"video_id":"v1","x":1}}"#, 422,
            "validation_failed", at: "/id/x"),
        Case(
            "an id without its column", "/v1/lineage/video/raw", #"{"id":{}}"#, 422, "validation_failed",
            at: "/id/video_id"),
        Case(
            "an unknown direction", "/v1/lineage/video/raw", #"{"id":{"video_id":"v1"},"direction":"left"}"#, 422,
            "validation_failed", at: "/direction"),
        Case(
            "a time that is none", "/v1/lineage/video/raw", #"{"id":{"video_id":"v1"},"as_of":"2026-02-30T00:00:00Z"}"#,
            422, "validation_failed", at: "/as_of"),
        Case(
            "an unknown record", "/v1/lineage/video/raw", #"{"id":{"video_id":"v77"}}"#, 404, "record_not_found",
            at: nil),
        Case(
            "a filter that is none", "/v1/failures/video/faces/retry", #"{"filter":"size >"}"#, 422,
            "validation_failed", at: "/filter"),
        Case("a restore without a filter", "/v1/restore/video/raw", "{}", 422, "validation_failed", at: "/filter"),
        Case(
            "verifying an unknown feature", "/v1/admin/verify", #"{"feature":"nope"}"#, 404, "feature_not_found",
            at: nil),
    ]

    static let others: [Case] = [
        Case("no media type", "POST", "/v1/push", nil, Array("{}".utf8), 415, "unsupported_media_type", nil),
        Case(
            "an unknown media type", "POST", "/v1/push", "text/csv", Array("{}".utf8), 415, "unsupported_media_type",
            nil),
        Case(
            "lines where a document is due", "POST", "/v1/push", "application/x-ndjson", Array("{}".utf8), 415,
            "unsupported_media_type", nil),
        Case(
            "another charset", "POST", "/v1/push", "application/json; charset=latin1", Array("{}".utf8), 415,
            "unsupported_media_type", nil),
        Case(
            "invalid UTF-8", "POST", "/v1/records/video/raw", "application/x-ndjson",
            Array(#"{"video_id":""#.utf8) + [0xC3, 0x28] + Array("\"}".utf8), 400, "invalid_json", "line 1"),
        Case(
            "settings out of bounds", "PUT", "/v1/projects/demo", "application/json",
            Array(#"{"hash_truncation_length":99}"#.utf8), 422, "validation_failed", "/hash_truncation_length"),
        Case(
            "an unknown algorithm", "PUT", "/v1/projects/demo", "application/json",
            Array(#"{"hash_algorithm":"crc32"}"#.utf8), 422, "validation_failed", "/hash_algorithm"),
        Case(
            "settings of a project with records", "PUT", "/v1/projects/demo", "application/json",
            Array(#"{"hash_algorithm":"md5"}"#.utf8), 409, "conflict", nil),
        Case(
            "a delete of everything and some", "DELETE", "/v1/records/video/raw?all=true&filter=a%20=%201", nil, nil,
            400, "invalid_parameter", "all"),
        Case(
            "a filter parameter that is none", "DELETE", "/v1/records/video/raw?filter=a%20=", nil, nil, 400,
            "invalid_parameter", "filter"),
        Case("a method that the path lacks", "PATCH", "/v1/push", nil, nil, 405, "method_not_allowed", nil),
        Case(
            "lines without a token", "POST", "/v1/claims/1/complete", "application/x-ndjson", Array("{}".utf8), 404,
            "claim_not_found", nil),
        .get("an unknown path", "/v1/nothing", 404, "not_found", at: nil),
        .get("a path with an empty segment", "/v1/features/video//raw", 404, "not_found", at: nil),
        .get("an unknown parameter", "/v1/projects?page=2", 400, "invalid_parameter", at: "page"),
        .get("a parameter twice", "/v1/projects?limit=1&limit=2", 400, "invalid_parameter", at: "limit"),
        .get("a limit of zero", "/v1/projects?limit=0", 400, "invalid_parameter", at: "limit"),
        .get("a negative limit", "/v1/projects?limit=-1", 400, "invalid_parameter", at: "limit"),
        .get("a signed limit", "/v1/projects?limit=+1", 400, "invalid_parameter", at: "limit"),
        .get(
            "a flag that is none", "/v1/records/video/raw?include_deleted=yes", 400, "invalid_parameter",
            at: "include_deleted"),
        .get("a cursor that is none", "/v1/records/video/raw?cursor=%2B%2B", 400, "invalid_cursor", at: "cursor"),
        .get("an unknown project", "/v1/projects/nope", 404, "project_not_found", at: nil),
        .get("versions of an unknown project", "/v1/projects/nope/versions", 404, "project_not_found", at: nil),
        .get("an unknown version", "/v1/projects/demo/diff?from=abc", 404, "version_not_found", at: nil),
        .get("a diff from nothing", "/v1/projects/demo/diff", 400, "invalid_parameter", at: "from"),
        .get("features of an unknown project", "/v1/features?project=nope", 404, "project_not_found", at: nil),
        .get("levels without a middle", "/v1/graph?up=1", 400, "invalid_parameter", at: "up"),
        .get("an unknown format", "/v1/graph?format=png", 400, "invalid_parameter", at: "format"),
        .get("a lineage without an id", "/v1/lineage/video/raw", 400, "invalid_parameter", at: "id"),
        .get("an id that is no JSON", "/v1/lineage/video/raw?id=v1", 400, "invalid_parameter", at: "id"),
        .get("an id that is no object", "/v1/explain/video/raw?id=1", 400, "invalid_parameter", at: "id"),
        .get(
            "an explanation of nothing", "/v1/explain/video/raw?id=%7B%22video_id%22:%22v9%22%7D", 404,
            "record_not_found", at: nil),
    ]

    @Test("is refused with its place, and changes nothing", arguments: ["lines", "documents", "others"])
    func refused(_ table: String) async throws {
        let cases = table == "lines" ? Self.lines : table == "documents" ? Self.documents : Self.others
        try await World.with { world in
            try await world.prepare()
            let before = try await world.state()
            for test in cases {
                let headers = test.type.map { [("Content-Type", $0)] } ?? []
                let answer = try await world.send(
                    test.method, test.target, headers: headers, body: test.body, piece: 1_000)
                #expect(answer.status == test.status, "\(test.name): \(answer.text.prefix(600))")
                #expect(try answer.code == test.code, "\(test.name): \(answer.text.prefix(600))")
                if let place = test.place {
                    let first = try answer.json["errors"]?.arrayValue?.first
                    let line = first?["line"]?.number.map { "line \($0)" }
                    let found = line ?? first?["pointer"]?.stringValue ?? first?["parameter"]?.stringValue
                    #expect(found == place, "\(test.name): \(answer.text.prefix(600))")
                }
                #expect(try await world.state() == before, "\(test.name) changed something")
            }
        }
    }

    @Test("names the first hundred bad lines and counts the rest")
    func manyLines() async throws {
        try await World.with { world in
            try await world.prepare()
            let lines = String(repeating: "{}\n", count: 250)
            let answer = try await world.postLines("/v1/records/video/raw", lines)
            #expect(answer.status == 422)
            #expect(try answer.json["errors"]?.arrayValue?.count == 100)
            #expect(try answer.json["error_count"]?.number == 250)
        }
    }

    @Test("a line that breaks off after its versions says nothing about the next")
    func brokenLine() async throws {
        try await World.with { world in
            try await world.prepare()
            let answer = try await world.postLines(
                "/v1/records/video/raw", #"{"video_id":"v1",\#(Self.versions),"a":"# + "\n" + Self.good + "\n")
            #expect(try answer.json["errors"]?.arrayValue?.map { $0["line"]?.number } == [1], "\(answer.text)")
        }
    }

    @Test("a body beyond the bound is refused from its announced length, unread")
    func tooLarge() async throws {
        try await World.with { world in
            try await world.prepare()
            let body = [UInt8](repeating: UInt8(ascii: " "), count: (16 << 20) + 1)
            let answer = try await world.send(
                "POST", "/v1/push", headers: [("Content-Type", "application/json")], body: body)
            try expectProblem(answer, 413, "content_too_large")
        }
    }

    @Test("lines without end are given up once something is wrong with them", arguments: [false, true])
    func endless(endsLines: Bool) async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let head = try World.head(
                "POST", "/v1/records/video/raw", headers: [("Content-Type", "application/x-ndjson")])
            let row = #"{"video_id":"a","metaxy_provenance_by_field":{}"# + (endsLines ? "]\n" : "")
            let chunk = Array(String(repeating: row, count: (64 << 10) / row.utf8.count).utf8)
            let given = Mutex(0)
            let body = RequestBody(declaredLength: nil) { () async throws(BodyError) in
                given.withLock { $0 += chunk.count }
                return chunk
            }
            let answer = await Answer(await world.api.respond(Request(head: head, body: body, remote: "local")))
            try expectProblem(answer, endsLines ? 400 : 422, endsLines ? "invalid_json" : "validation_failed")
            let detail = try #require(answer.json["detail"]?.stringValue)
            #expect(detail.hasPrefix("line 1: ") && detail.hasSuffix("; the rest of the body was not looked at"))
            #expect(given.withLock { $0 } < 18 << 20)
            let records = try await world.get("/v1/records/video/raw").json["records"]?.arrayValue
            #expect(records?.isEmpty == true)
        }
    }
}

extension World {
    /// Everything that a request could have changed, as one text.
    fileprivate func state() async throws -> String {
        try await pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(
                Statement(
                    "state",
                    """
                    SELECT concat_ws(' ', (SELECT revision FROM registry), (SELECT count(*) FROM push),
                        (SELECT count(*) FROM definition), (SELECT count(*) FROM project), (SELECT count(*) FROM record),
                        (SELECT count(*) FROM lineage), (SELECT count(*) FROM operation), (SELECT count(*) FROM claim),
                        (SELECT count(*) FROM failure), (SELECT md5(string_agg(work::text, '' ORDER BY feature_id, block)) FROM work),
                        (SELECT string_agg(hash_algorithm, ' ') FROM project))
                    """), []
            ).single().text(0)
        }
    }
}
