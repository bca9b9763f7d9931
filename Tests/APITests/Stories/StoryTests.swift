// The main job over HTTP, with the exact shapes of the contract.

import HTTP
import JSON
import Testing

@Suite("The main job over HTTP")
struct StoryTests {
    private static let rawVersion = "523f1e1442ab5703c89a4fefd79f7b9e"
    private static let facesVersion = "aee85e023590870b4f9214e2d514b80d"
    private static let v1 = "%7B%22video_id%22:%22v1%22%7D"
    private static let v2 = "%7B%22video_id%22:%22v2%22%7D"

    @Test("a push answers what changed, and the same push again changes nothing")
    func push() async throws {
        try await World.with { world in
            let first = try await world.post("/v1/push", Graphs.push)
            let version = "da0983aafb900632622af6cb072c308f"
            try expect(first, 201, Self.pushed(version, already: false, change: "added"))
            #expect(first.headers["ETag"] == "\"\(version)\"")
            try expect(
                try await world.post("/v1/push", Graphs.push), 200,
                Self.pushed(version, already: true, change: "unchanged"))
            let bumped = Graphs.push([
                Graphs.raw, Graphs.faces.replacing(#""code_version":"1""#, with: #""code_version":"2""#),
            ])
            let dry = try await world.post("/v1/push?dry_run=true", bumped)
            #expect(dry.status == 200)
            #expect(try dry.json["features"]?.arrayValue?[1]["change"]?.stringValue == "changed")
            #expect(try dry.json["features"]?.arrayValue?[1]["fields"]?["faces"]?["changed"] == .bool(true))
            let stale = try await world.post("/v1/push", bumped, headers: [("If-Match", "\"old\"")])
            try expectProblem(stale, 412, "precondition_failed")
            #expect(stale.headers["ETag"] == "\"\(version)\"")
            #expect(try await world.post("/v1/push", bumped, headers: [("If-Match", "\"\(version)\"")]).status == 201)
            let removed = try await world.post("/v1/push", Graphs.push([Graphs.raw]))
            #expect(try removed.json["features"]?.arrayValue?[1]["change"]?.stringValue == "removed")
        }
    }

    @Test("records are written and read")
    func records() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let outcome =
                #"{"feature":"video/raw","feature_version":"\#(Self.rawVersion)","written":2,"new":2,"changed":0,"unchanged":0}"#
            try expect(try await world.postLines("/v1/records/video/raw", Graphs.rows), 200, outcome)
            let again = outcome.replacing(#""written":2,"new":2"#, with: #""written":0,"new":0"#)
                .replacing(#""unchanged":0"#, with: #""unchanged":2"#)
            try expect(try await world.postLines("/v1/records/video%2Fraw", Graphs.rows), 200, again)
            let page = try await world.get("/v1/records/video/raw?limit=1")
            try expect(
                page, 200,
                #"""
                {"feature":"video/raw","feature_version":"\#(Self.rawVersion)","records":[{"video_id":"v1",
                "path":"s3://b/v1.mp4","metaxy_provenance_by_field":{"audio":"a1","frames":"f1"},
                "metaxy_provenance":"95e264593896b59e2426023e3275b11f",
                "metaxy_data_version_by_field":{"audio":"a1","frames":"f1"},
                "metaxy_data_version":"95e264593896b59e2426023e3275b11f",
                "metaxy_feature_version":"\#(Self.rawVersion)","metaxy_materialization_id":null,
                "metaxy_updated_at":"<time>","metaxy_deleted_at":null}],"next_cursor":"<text>"}
                """#)
            let sentBack = try await world.post("/v1/records/video/raw", try Self.records(page))
            #expect(try sentBack.json["unchanged"]?.number == 1)
        }
    }

    @Test("work is resolved, claimed, reported and traced")
    func work() async throws {
        try await World.with { world in
            try await world.prepare()
            let first = Self.increment(
                "v1", faces: "093b4bf70b80a7f2d0f96dfc8e3bb54c", "f29718e486d42c5504a983ca74b84b3c")
            let second = Self.increment(
                "v2", faces: "a2fec3abb7ee44a49b42e3ec442f65e3", "fb1bcf08e703a04400d03032bed869e6")
            try expect(
                try await world.post("/v1/resolve/video/faces", "{}"), 200,
                #"""
                {"feature":"video/faces","feature_version":"\#(Self.facesVersion)",
                "counts":{"new":2,"stale":0,"orphaned":0,"blocked":0,"up_to_date":0},
                "records":[{\#(first)},{\#(second)}],"next_cursor":null}
                """#)
            let claim = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"gpu-7"}"#)
            try expect(
                claim, 201,
                #"""
                {"claim_id":1,"feature":"video/faces","feature_version":"\#(Self.facesVersion)","token":"<number>",
                "lease_expires_at":"<time>","records":[{\#(first),"metaxy_attempt":1},{\#(second),"metaxy_attempt":1}]}
                """#)
            #expect(claim.headers["Location"] == "/v1/claims/1")
            let token = try #require(try claim.json["token"]?.number)
            #expect(try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"other"}"#).status == 204)
            try await report(world, token)
            try await look(world)
        }
    }

    private func report(_ world: World, _ token: Int64) async throws {
        _ = try await world.post(
            "/v1/records/video/raw",
            #"{"records":[{"video_id":"v2","metaxy_provenance_by_field":{"audio":"a2","frames":"f3"}}]}"#)
        try expect(
            try await world.post("/v1/claims/1/heartbeat", #"{"token":\#(token),"lease_seconds":90}"#), 200,
            #"{"lease_expires_at":"<time>","superseded":[{"video_id":"v2"}]}"#)
        let body = #"{"token":\#(token),"records":[{"video_id":"v1","faces":12}],"seconds":3.5}"#
        let completed = #"{"completed":1,"superseded":0,"remaining":1}"#
        try expect(try await world.post("/v1/claims/1/complete?materialization_id=run-1", body), 200, completed)
        try expect(try await world.post("/v1/claims/1/complete", body), 200, completed)
        try expect(
            try await world.get("/v1/claims"), 200,
            #"""
            {"claims":[{"claim_id":1,"feature":"video/faces","worker":"gpu-7","state":"active","claimed_at":"<time>",
            "lease_expires_at":"<time>","lease_seconds":90,"units":2,"remaining":1}],"next_cursor":null}
            """#)
        try expect(
            try await world.postLines("/v1/claims/1/complete?token=\(token)", #"{"video_id":"v2","faces":3}"#), 200,
            #"{"completed":1,"superseded":1,"remaining":0}"#)
        try expectProblem(
            try await world.post("/v1/claims/1/heartbeat", #"{"token":\#(token)}"#), 409, "lease_lost")
    }

    private func look(_ world: World) async throws {
        let node = #""worker":"gpu-7","claim_id":1,"materialization_id":"run-1","deleted":false"#
        try expect(
            try await world.get("/v1/lineage/video/faces?id=\(Self.v1)"), 200,
            #"""
            {"nodes":[{"entry":"<number>","feature":"video/faces","id":{"video_id":"v1"},
            "feature_version":"\#(Self.facesVersion)","provenance_by_field":{"faces":"093b4bf70b80a7f2d0f96dfc8e3bb54c"},
            "data_version_by_field":{"faces":"093b4bf70b80a7f2d0f96dfc8e3bb54c"},"written_at":"<time>",\#(node)},
            {"entry":"<number>","feature":"video/raw","id":{"video_id":"v1"},"feature_version":"\#(Self.rawVersion)",
            "provenance_by_field":{"audio":"a1","frames":"f1"},"data_version_by_field":{"audio":"a1","frames":"f1"},
            "written_at":"<time>","worker":null,"claim_id":null,"materialization_id":null,"deleted":false}],
            "edges":[{"from":"<number>","to":"<number>","fields":{"faces":["frames"]}}]}
            """#)
        let posted = try await world.post(
            "/v1/lineage/video/raw", #"{"id":{"video_id":"v1"},"direction":"down","depth":0}"#)
        #expect(try posted.json["nodes"]?.arrayValue?.count == 1)
        try expect(
            try await world.get("/v1/explain/video/faces?id=\(Self.v2)"), 200,
            #"""
            {"state":"stale","fields":{"faces":{"expected":"<text>","current":"a2fec3abb7ee44a49b42e3ec442f65e3",
            "causes":[{"kind":"upstream","feature":"video/raw","field":"frames","from":"f2","to":"f3","entry":"<number>"}]}},
            "blocked_by":[],"failure":null}
            """#)
        try expect(
            try await world.send("POST", "/v1/admin/verify"), 200,
            #"{"checked":4,"mismatches":[],"mismatch_count":0}"#)
    }

    @Test("failures are kept with their errors and can be tried again")
    func failures() async throws {
        try await World.with { world in
            try await world.prepare()
            let claim = try await world.claim()
            let v1 = #"{"token":\#(claim.token),"records":[{"video_id":"v1"}],"error":"no face","retryable":false}"#
            try expect(
                try await world.post("/v1/claims/\(claim.id)/fail", v1), 200,
                #"{"failed":1,"will_retry":0,"quarantined":1}"#)
            try expect(
                try await world.post("/v1/claims/\(claim.id)/fail", #"{"token":\#(claim.token),"error":"boom"}"#), 200,
                #"{"failed":1,"will_retry":1,"quarantined":0}"#)
            let failed = #""worker":"gpu-7","first_failed_at":"<time>","last_failed_at":"<time>""#
            try expect(
                try await world.get("/v1/failures/video/faces"), 200,
                #"""
                {"feature":"video/faces","failures":[
                {"id":{"video_id":"v1"},"state":"quarantined","attempts":1,"error":"no face",\#(failed),"retry_at":null},
                {"id":{"video_id":"v2"},"state":"failing","attempts":1,"error":"boom",\#(failed),"retry_at":"<time>"}],
                "next_cursor":null}
                """#)
            let status = try await world.get("/v1/status").json["features"]?.arrayValue?[1]
            #expect(status?["quarantined"]?.number == 1)
            #expect(status?["failing"]?.number == 1)
            #expect(status?["blocked"]?.number == 0)
            try expect(
                try await world.post("/v1/failures/video/faces/retry", #"{"filter":"video_id = 'v1'"}"#), 200,
                #"{"retried":1}"#)
            try expect(try await world.send("POST", "/v1/failures/video/faces/retry"), 200, #"{"retried":1}"#)
            let again = try await world.claim()
            try expect(
                try await world.post("/v1/claims/\(again.id)/release", #"{"token":\#(again.token)}"#), 200,
                #"{"released":2}"#)
            #expect(try await world.get("/v1/claims/\(again.id)").json["state"]?.stringValue == "released")
        }
    }

    @Test("soft-deleted records are gone until they are restored")
    func deletion() async throws {
        try await World.with { world in
            try await world.prepare()
            let target = "/v1/records/video/raw?filter=video_id%20=%20'v1'"
            try expect(try await world.send("DELETE", target + "&dry_run=true"), 200, #"{"deleted":1}"#)
            try expect(try await world.send("DELETE", target), 200, #"{"deleted":1}"#)
            #expect(try await world.get("/v1/records/video/raw").json["records"]?.arrayValue?.count == 1)
            let all = try await world.get("/v1/records/video/raw?include_deleted=true")
            #expect(try all.json["records"]?.arrayValue?.count == 2)
            try expectProblem(try await world.send("DELETE", "/v1/records/video/raw"), 400, "invalid_parameter")
            try expect(
                try await world.post("/v1/restore/video/raw", #"{"filter":["video_id = 'v1'"]}"#), 200,
                #"{"restored":1}"#)
            try expect(try await world.send("DELETE", "/v1/records/video/raw?all=true"), 200, #"{"deleted":2}"#)
        }
    }

    private static func increment(_ id: String, faces: String, _ record: String) -> String {
        #""video_id":"\#(id)","path":"s3://b/\#(id).mp4","metaxy_change":"new","metaxy_stale_fields":["faces"],"#
            + #""metaxy_causes":{"faces":["missing"]},"metaxy_provenance_by_field":{"faces":"\#(faces)"},"#
            + #""metaxy_provenance":"\#(record)""#
    }

    private static func pushed(_ version: String, already: Bool, change: String) -> String {
        let changed = !already
        return #"""
            {"project":"demo","project_version":"\#(version)","already_pushed":\#(already),"features":[
            {"key":"video/raw","feature_version":"\#(rawVersion)","definition_version":"f970ac6939dfc3af61dc2e2f769ad637",
            "change":"\#(change)","fields":{
            "audio":{"version":"7132721c121d323cea63a14fe75588f6","code_version":"1","changed":\#(changed)},
            "frames":{"version":"3cc120b6b220e2944fa85db6b2bcad07","code_version":"1","changed":\#(changed)}}},
            {"key":"video/faces","feature_version":"\#(facesVersion)",
            "definition_version":"e28278dd5a2f1963ffc7ba5ddf385203","change":"\#(change)","fields":{
            "faces":{"version":"04099475bda19f9d6329114e83e593f4","code_version":"1","changed":\#(changed)}}}]}
            """#
    }

    /// The records of an answer as a body that sends them back.
    private static func records(_ page: Answer) throws -> String {
        var writer = JSONWriter()
        writer.value(.object(["records": try page.json["records"] ?? .null]))
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
