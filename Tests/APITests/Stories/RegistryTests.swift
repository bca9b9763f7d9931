// Projects, features, the graph and their history over HTTP.

import HTTP
import JSON
import Testing

@Suite("The registry over HTTP")
struct RegistryTests {
    @Test("a project is made, changed while it has no records, and then stays")
    func project() async throws {
        try await World.with { world in
            let made = try await world.put(
                "/v1/projects/demo", #"{"hash_algorithm":"md5","hash_truncation_length":16}"#)
            try expect(
                made, 201,
                #"""
                {"project":"demo","hash_algorithm":"md5","hash_truncation_length":16,"max_claims":null,
                "project_version":null,"created_at":"<time>","features":0}
                """#)
            #expect(try await world.put("/v1/projects/demo", #"{"hash_truncation_length":32}"#).status == 200)
            let pushed = try await world.post("/v1/push", Graphs.push)
            let version = try #require(try pushed.json["project_version"]?.stringValue)
            let project = try await world.get("/v1/projects/demo")
            try expect(
                project, 200,
                #"""
                {"project":"demo","hash_algorithm":"md5","hash_truncation_length":32,"max_claims":null,
                "project_version":"\#(version)","created_at":"<time>","features":2}
                """#)
            let tag = try #require(project.headers["ETag"])
            #expect(try await world.get("/v1/projects/demo", headers: [("If-None-Match", tag)]).status == 304)
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            try expectProblem(
                try await world.put("/v1/projects/demo", #"{"hash_algorithm":"sha256"}"#), 409, "conflict")
            #expect(try await world.put("/v1/projects/demo", #"{"hash_algorithm":"md5"}"#).status == 200)
            #expect(try await world.get("/v1/projects").json["projects"]?.arrayValue?.count == 1)
        }
    }

    @Test("the history of a project is listed and compared")
    func history() async throws {
        try await World.with { world in
            let first = try await world.post("/v1/push", Graphs.push).json["project_version"]?.stringValue ?? ""
            let bumped = Graphs.raw.replacing(#""audio","code_version":"1""#, with: #""audio","code_version":"2""#)
            let second =
                try await world.post("/v1/push", Graphs.push([bumped])).json["project_version"]?.stringValue ?? ""
            let entry = #""pushed_at":"<time>","message":"first","tags":{"commit":"abc"}"#
            let page = try await world.get("/v1/projects/demo/versions?limit=1")
            try expect(
                page, 200,
                #"""
                {"project":"demo","versions":[{"project_version":"\#(second)",\#(entry),"features":1}],
                "next_cursor":"<text>"}
                """#)
            let cursor = try page.json["next_cursor"]?.stringValue ?? ""
            try expect(
                try await world.get("/v1/projects/demo/versions?limit=1&cursor=\(cursor)"), 200,
                #"""
                {"project":"demo","versions":[{"project_version":"\#(first)",\#(entry),"features":2}],"next_cursor":null}
                """#)
            try expect(
                try await world.get("/v1/projects/demo/diff?from=\(first)&to=latest"), 200,
                #"""
                {"project":"demo","from":"\#(first)","to":"\#(second)","features":[
                {"key":"video/faces","change":"removed","feature_version":{"from":"<text>","to":null},
                "definition_version":{"from":"<text>","to":null},"fields":{"faces":{"change":"removed",
                "version":{"from":"<text>","to":null},"code_version":{"from":"1","to":null}}}},
                {"key":"video/raw","change":"changed","feature_version":{"from":"<text>","to":"<text>"},
                "definition_version":{"from":"<text>","to":"<text>"},"fields":{"audio":{"change":"changed",
                "version":{"from":"<text>","to":"<text>"},"code_version":{"from":"1","to":"2"}}}}]}
                """#)
        }
    }

    @Test("a feature is shown with its neighbours and counts")
    func feature() async throws {
        try await World.with { world in
            try await world.prepare()
            let feature = try await world.get("/v1/features/video/faces").json
            #expect(feature["upstream"] == .array([.string("video/raw")]))
            #expect(feature["downstream"] == .array([]))
            #expect(feature["fields"]?["faces"]?["parents"] == .array([.string("video/raw.frames")]))
            #expect(feature["spec"]?["key"]?.stringValue == "video/faces")
            #expect(feature["schema"] == .null)
            #expect(feature["counts"]?["pending"]?.number == 2)
            #expect(try await world.get("/v1/features/video/raw").json["counts"]?["records"]?.number == 2)
            let keys = try await world.get("/v1/features?prefix=video/f").json["features"]?.arrayValue ?? []
            #expect(keys.compactMap { $0["key"]?.stringValue } == ["video/faces"])
            let first = try await world.get("/v1/features?project=demo&limit=1").json
            let cursor = try #require(first["next_cursor"]?.stringValue)
            let second = try await world.get("/v1/features?project=demo&limit=1&cursor=\(cursor)").json
            #expect(second["features"]?.arrayValue?.first?["key"]?.stringValue == "video/raw")
            #expect(second["next_cursor"] == .null)
        }
    }

    @Test("the graph is told in three ways")
    func graph() async throws {
        try await World.with { world in
            try await world.prepare()
            let graph = try await world.get("/v1/graph?feature=video/faces&up=1").json
            #expect(
                graph["features"]?.arrayValue?.compactMap { $0["key"]?.stringValue } == ["video/raw", "video/faces"])
            #expect(graph["edges"]?.arrayValue?.count == 1)
            #expect(graph["edges"]?.arrayValue?.first?["from"]?["field"]?.stringValue == "frames")
            let alone = try await world.get("/v1/graph?feature=video/faces&up=0").json
            #expect(alone["features"]?.arrayValue?.count == 1)
            #expect(alone["edges"]?.arrayValue?.isEmpty == true)
            #expect(
                try await world.get("/v1/graph?format=mermaid").text == """
                    flowchart TD
                        f0["<b>video/raw</b><br/>audio<br/>frames"]
                        f1["<b>video/faces</b><br/>faces"]
                        f0 -->|"frames → faces"| f1

                    """)
            #expect(
                try await world.get("/v1/graph?format=dot").text == #"""
                    digraph features {
                        node [shape=record];
                        f0 [label="{video/raw|audio\nframes}"];
                        f1 [label="{video/faces|faces}"];
                        f0 -> f1 [label="frames → faces"];
                    }

                    """#)
        }
    }

    @Test("the status says what is left to do")
    func status() async throws {
        try await World.with { world in
            try await world.prepare()
            let root = #""pending":0,"claimed":0,"blocked":0,"failing":0,"quarantined":0"#
            let idle =
                #""progress_percent":100.0,"oldest_pending_age_seconds":null,"rate_per_second":0.0,"#
                + #""seconds_per_unit":null,"estimated_seconds":null"#
            let status = try await world.get("/v1/status").json["features"]?.arrayValue ?? []
            var writer = JSONWriter()
            writer.value(status.first ?? .null)
            #expect(
                String(decoding: writer.bytes, as: UTF8.self)
                    == #"{"feature":"video/raw","project":"demo","records":2,\#(root),\#(idle)}"#)
            #expect(status.last?["pending"]?.number == 2)
            #expect(status.last?["progress_percent"] == .double(0))
            #expect(status.last?["oldest_pending_age_seconds"]?.kind == .number)
            let claim = try await world.claim()
            _ = try await world.post(
                "/v1/claims/\(claim.id)/complete", #"{"token":\#(claim.token),"records":[{"video_id":"v1"}]}"#)
            let after = try await world.get("/v1/status").json["features"]?.arrayValue?.last
            #expect(after?["claimed"]?.number == 1)
            #expect(after?["progress_percent"] == .double(50))
            #expect(after?["rate_per_second"] == .double(1.0 / 600))
            #expect(after?["estimated_seconds"] == .double(600))
        }
    }
}

extension World {
    /// Replaces a resource.
    func put(_ target: String, _ json: String) async throws -> Answer {
        try await send("PUT", target, headers: [("Content-Type", "application/json")], body: Array(json.utf8))
    }
}
