// Lists of records: as they are, as they were, and every version of them, over a socket.

import HTTP
import JSON
import Testing

@Suite("Lists of records")
struct RecordListingTests {
    /// `v1` in three versions, the last under another feature version; `v2` deleted; `v3` in one version.
    private static func history(_ body: @escaping (World, [String]) async throws -> Void) async throws {
        try await World.overSocket { world in
            var versions: [String] = []
            func push(_ code: String) async throws {
                let spec = Graphs.raw.replacing(
                    #""audio","code_version":"1""#, with: #""audio","code_version":"\#(code)""#)
                let answer = try await world.post("/v1/push", Graphs.push([spec])).json
                versions.append(answer["features"]?.arrayValue?.first?["feature_version"]?.stringValue ?? "")
            }
            func write(_ id: String, _ size: Int, _ run: String) async throws {
                let row =
                    #"{"video_id":"\#(id)","size":\#(size),"path":"p\#(size)","#
                    + #""metaxy_provenance_by_field":{"audio":"a\#(size)","frames":"f"}}"#
                _ = try await world.postLines("/v1/records/video/raw?materialization_id=\(run)", row)
            }
            try await push("1")
            try await write("v1", 1, "run-1")
            try await write("v2", 2, "run-1")
            try await write("v1", 3, "run-2")
            _ = try await world.send("DELETE", "/v1/records/video/raw?filter=video_id='v2'")
            try await push("2")
            try await write("v1", 4, "run-3")
            try await write("v3", 5, "run-3")
            try await body(world, versions)
        }
    }

    /// `v1 4`: id and size of each record of a list, tombstones with a `-`.
    private func told(_ world: World, _ query: String) async throws -> [String] {
        let answer = try await world.get("/v1/records/video/raw?\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return (try answer.json["records"]?.arrayValue ?? []).map(told)
    }

    private func told(_ record: JSONValue) -> String {
        let mark = record["metaxy_deleted_at"]?.stringValue == nil ? "" : "-"
        return "\(mark)\(record["video_id"]?.stringValue ?? "") \(record["size"]?.number ?? 0)"
    }

    @Test("the newest version of each live record is listed, or every one, or those under a feature version")
    func selections() async throws {
        try await Self.history { world, versions in
            #expect(try await told(world, "") == ["v1 4", "v3 5"])
            #expect(try await told(world, "include_deleted=true") == ["v1 4", "-v2 2", "v3 5"])
            #expect(try await told(world, "history=true") == ["v1 1", "v1 3", "v1 4", "v2 2", "v3 5"])
            let all = ["v1 1", "v1 3", "v1 4", "v2 2", "-v2 2", "v3 5"]
            #expect(try await told(world, "history=true&include_deleted=true") == all)
            #expect(try await told(world, "feature_version=\(versions[0])") == ["v1 3"])
            #expect(try await told(world, "feature_version=\(versions[1])") == ["v1 4", "v3 5"])
            #expect(try await told(world, "feature_version=\(versions[0])&history=true") == ["v1 1", "v1 3", "v2 2"])
            try expectProblem(
                try await world.get("/v1/records/video/raw?feature_version=none"), 404, "version_not_found")
        }
    }

    @Test("a filter looks at the version that is listed, never at one behind it")
    func filters() async throws {
        try await Self.history { world, versions in
            #expect(try await told(world, "filter=size%20%3C%204") == [])
            #expect(try await told(world, "filter=size%20%3C%204&history=true") == ["v1 1", "v1 3", "v2 2"])
            #expect(try await told(world, "filter=size%20%3C%204&feature_version=\(versions[0])") == ["v1 3"])
            #expect(try await told(world, "filter=size%20%3E%201&filter=video_id%20%3D%20'v1'") == ["v1 4"])
            #expect(
                try await told(world, "filter=metaxy_materialization_id%20%3D%20'run-2'&history=true") == ["v1 3"])
            let bad = try await world.get("/v1/records/video/raw?filter=size%20%3C")
            try expectProblem(bad, 400, "invalid_parameter")
            #expect(try bad.json["detail"]?.stringValue?.contains("column 7") == true)
        }
    }

    @Test("as_of lists what was current at a time, what is deleted since included")
    func moments() async throws {
        try await Self.history { world, _ in
            let all = try await world.get("/v1/records/video/raw?history=true&include_deleted=true").json
            let times = (all["records"]?.arrayValue ?? []).compactMap { $0["metaxy_updated_at"]?.stringValue }
            #expect(times.count == 6)
            #expect(try await told(world, "as_of=\(times[0])") == ["v1 1"])
            #expect(try await told(world, "as_of=\(times[1])") == ["v1 3", "v2 2"])
            #expect(try await told(world, "as_of=\(times[4])") == ["v1 3"])
            #expect(try await told(world, "as_of=\(times[4])&include_deleted=true") == ["v1 3", "-v2 2"])
            #expect(try await told(world, "as_of=\(times[1])&history=true") == ["v1 1", "v1 3", "v2 2"])
            #expect(try await told(world, "as_of=1999-01-01T00:00:00Z") == [])
            try expectProblem(try await world.get("/v1/records/video/raw?as_of=now"), 400, "invalid_parameter")
        }
    }

    @Test("every selection comes in pages and as lines, each version once")
    func paging() async throws {
        try await Self.history { world, versions in
            let late = "2099-01-01T00:00:00Z"
            for query in [
                "history=true&include_deleted=true", "history=true&filter=size%20%3C%204", "include_deleted=true",
                "feature_version=\(versions[0])&history=true", "as_of=\(late)&include_deleted=true",
            ] {
                let whole = try await told(world, query)
                var parts: [String] = []
                var cursor = ""
                repeat {
                    let page = try await world.get("/v1/records/video/raw?\(query)&limit=1\(cursor)").json
                    parts += (page["records"]?.arrayValue ?? []).map(told)
                    cursor = page["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(parts == whole, "\(query)")
                let lines = try await world.get(
                    "/v1/records/video/raw?\(query)", headers: [("Accept", "application/x-ndjson")])
                let streamed = try lines.text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                #expect(streamed.map(told) == whole, "\(query)")
            }
            let page = try await world.get("/v1/records/video/raw?history=true&limit=1").json
            let cursor = try #require(page["next_cursor"]?.stringValue)
            for other in ["", "history=true&as_of=\(late)&", "history=true&feature_version=\(versions[0])&"] {
                let answer = try await world.get("/v1/records/video/raw?\(other)cursor=\(cursor)")
                try expectProblem(answer, 400, "invalid_cursor")
            }
        }
    }

    @Test("columns leave out other metadata, never ids and versions")
    func columns() async throws {
        try await Self.history { world, _ in
            let page = try await world.get("/v1/records/video/raw?columns=size&limit=1").json
            let record = try #require(page["records"]?.arrayValue?.first)
            #expect(record["size"]?.number == 4)
            #expect(record["path"] == nil)
            #expect(record["video_id"]?.stringValue == "v1")
            #expect(record["metaxy_materialization_id"]?.stringValue == "run-3")
            #expect(record["metaxy_deleted_at"] == .null)
            let none = try await world.get("/v1/records/video/raw?columns=&limit=1").json["records"]?.arrayValue?.first
            #expect(none?["size"] == nil)
        }
    }
}
