// The duty to erase, over a socket.

import HTTP
import JSON
import Postgres
import Service
import Testing

@testable import API

@Suite("Hard delete")
struct ErasureTests {
    private static let target = "/v1/records/video/raw?hard=true"

    /// `v1` in two versions, `v2` in one, and what was computed from them.
    private static func filled(_ body: @escaping (World) async throws -> Void) async throws {
        try await World.overSocket { world in
            try await world.prepare()
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v1","path":"secret","metaxy_provenance_by_field":{"audio":"a1","frames":"hush"}}"#)
            let lines = #"{"video_id":"v1","face":"private"}"# + "\n" + #"{"video_id":"v2","face":"two"}"#
            _ = try await world.postLines("/v1/records/video/faces", lines)
            try await body(world)
        }
    }

    private func ids(_ world: World, _ query: String) async throws -> [String] {
        let answer = try await world.get("/v1/records/\(query)")
        return (try answer.json["records"]?.arrayValue ?? []).compactMap { $0["video_id"]?.stringValue }
    }

    /// All that the database holds of lineage and heads, as text.
    private func everything(_ world: World) async throws -> String {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            let statement = Statement(
                "everything",
                """
                SELECT coalesce(string_agg(l::text, ' '), '') || coalesce((SELECT string_agg(h::text, ' ') FROM head h), '')
                FROM lineage l
                """, prepare: false)
            return try connection.query(statement).map { row throws(PostgresError) in try row.text(0) }.joined()
        }
    }

    @Test("takes the payload out of every version, and leaves a tombstone")
    func erases() async throws {
        try await Self.filled { world in
            let one = "\(Self.target)&filter=video_id%20%3D%20'v1'"
            try expect(try await world.send("DELETE", one + "&dry_run=true"), 200, #"{"deleted":1}"#)
            #expect(try await everything(world).contains("secret"))
            try expect(try await world.send("DELETE", one), 200, #"{"deleted":1}"#)
            let left = try await everything(world)
            #expect(!left.contains("secret") && !left.contains("hush") && !left.contains("s3://b/v1.mp4"))
            #expect(left.contains("s3://b/v2.mp4"))
            #expect(try await ids(world, "video/raw") == ["v2"])
            #expect(try await ids(world, "video/raw?history=true") == ["v2"])
            let all = try await world.get("/v1/records/video/raw?include_deleted=true").json["records"]?.arrayValue
            let tombstone = try #require(all?.first)
            #expect(tombstone["video_id"]?.stringValue == "v1")
            #expect(tombstone["metaxy_deleted_at"]?.stringValue != nil)
            #expect(tombstone["path"] == nil)
            try expect(try await world.send("DELETE", one), 200, #"{"deleted":0}"#)
            let increment = try await world.post("/v1/resolve/video/faces", "{}").json
            #expect(increment["counts"]?["orphaned"]?.number == 1)
            try expect(
                try await world.send("POST", "/v1/admin/verify"), 200,
                #"{"checked":"<number>","mismatches":[],"mismatch_count":0}"#)
        }
    }

    @Test("looks at records, never at one old version of them")
    func filters() async throws {
        try await Self.filled { world in
            let old = "\(Self.target)&filter=path%20%3D%20's3%3A%2F%2Fb%2Fv1.mp4'"
            try expect(try await world.send("DELETE", old), 200, #"{"deleted":0}"#)
            let new = "\(Self.target)&filter=path%20%3D%20'secret'"
            try expect(try await world.send("DELETE", new), 200, #"{"deleted":1}"#)
            #expect(try await ids(world, "video/raw") == ["v2"])
        }
    }

    @Test("nothing erased comes back by itself: not by a restore, a poll, a push or a late result")
    func staysAway() async throws {
        try await Self.filled { world in
            try expect(
                try await world.send("DELETE", "/v1/records/video/faces?filter=video_id='v1'"), 200, #"{"deleted":1}"#)
            let hard = "/v1/records/video/faces?hard=true&all=true"
            try expect(try await world.send("DELETE", hard), 200, #"{"deleted":2}"#)
            try expect(try await world.post("/v1/restore/video/faces", #"{"filter":"TRUE"}"#), 200, #"{"restored":0}"#)
            let counts = try await world.post("/v1/resolve/video/faces", "{}").json["counts"]
            #expect([counts?["new"]?.number, counts?["stale"]?.number, counts?["up_to_date"]?.number] == [0, 0, 0])
            let bumped = Graphs.faces.replacing(#""code_version":"1""#, with: #""code_version":"2""#)
            _ = try await world.post("/v1/push", Graphs.push([Graphs.raw, bumped]))
            _ = try await world.post("/v1/push", Graphs.push)
            #expect(try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"w"}"#).status == 204)
            #expect(try await everything(world).contains("private") == false)
            let moved = #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a1","frames":"moved"}}"#
            _ = try await world.postLines("/v1/records/video/raw", moved)
            let claim = try await world.claim()
            _ = try await world.postLines("/v1/records/video/faces", #"{"video_id":"v1","face":"again"}"#)
            try expect(try await world.send("DELETE", hard), 200, #"{"deleted":1}"#)
            let late = #"{"token":\#(claim.token),"records":[{"video_id":"v1","face":"private"}]}"#
            #expect(try await world.post("/v1/claims/\(claim.id)/complete", late).status == 200)
            let left = try await everything(world)
            #expect(!left.contains("private") && !left.contains("again"))
            #expect(try await ids(world, "video/faces") == [])
        }
    }

    @Test("lineage stays: the entries, and what was made from them")
    func lineage() async throws {
        try await Self.filled { world in
            _ = try await world.send("DELETE", "\(Self.target)&all=true")
            let trace = try await world.get("/v1/lineage/video/faces?id=%7B%22video_id%22:%22v1%22%7D").json
            let nodes = trace["nodes"]?.arrayValue ?? []
            #expect(nodes.map { $0["feature"]?.stringValue } == ["video/faces", "video/raw"])
            #expect(trace["edges"]?.arrayValue?.count == 1)
            #expect(nodes.last?["provenance_by_field"]?["frames"]?.stringValue == "")
            #expect(try await world.get("/v1/explain/video/faces?id=%7B%22video_id%22:%22v1%22%7D").status == 200)
            try await world.pool.withConnection { (connection) throws(PostgresError) in
                let statement = Statement("erasures", "SELECT count(*) FROM erasure WHERE entries > 0", prepare: false)
                let count = try connection.query(statement).map { row throws(PostgresError) in try row.int8(0) }
                #expect(count == [2])
            }
        }
    }

    @Test("needs the scope admin, where a soft delete needs write")
    func scope() async throws {
        let writer = Authorizer { _ throws(Authorizer.Refusal) in Caller(name: "w", scopes: [.read, .write]) }
        try await World.with(authorizer: writer) { world in
            try await world.prepare()
            try expectProblem(try await world.send("DELETE", "\(Self.target)&all=true"), 403, "forbidden")
            #expect(try await world.send("DELETE", "/v1/records/video/raw?all=true").status == 200)
        }
    }
}
