// Settings of dispatch over HTTP, and what a claim says of its worker.

import HTTP
import JSON
import Testing

@Suite("Dispatch over HTTP")
struct DispatchTests {
    private static let path = "/v1/dispatch/video/faces"
    private static let standard = #"""
        {"feature":"video/faces","priority":0,"requires":{},"max_claims":null,"max_attempts":5,"retry_first_seconds":10,
        "retry_max_seconds":3600,"order_by":null}
        """#
    private static let own = #"""
        {"feature":"video/faces","priority":7,"requires":{"gpu":"a100"},"max_claims":2,"max_attempts":3,
        "retry_first_seconds":1,"retry_max_seconds":60,"order_by":"shard"}
        """#
    private static let settings = #"""
        {"priority":7,"requires":{"gpu":"a100"},"max_claims":2,"max_attempts":3,"retry_first_seconds":1,
        "retry_max_seconds":60,"order_by":"shard"}
        """#

    private func put(_ world: World, _ json: String, match: String? = nil) async throws -> Answer {
        let headers = [("Content-Type", "application/json")] + (match.map { [("If-Match", $0)] } ?? [])
        return try await world.send("PUT", Self.path, headers: headers, body: Array(json.utf8))
    }

    @Test("settings are replaced as a whole, under a condition where one is given, and are shown with the feature")
    func replacing() async throws {
        try await World.with { world in
            try await world.prepare()
            let before = try await world.get(Self.path)
            try expect(before, 200, Self.standard)
            #expect(before.headers["ETag"] == #""0""#)
            let set = try await put(world, Self.settings, match: #""0""#)
            try expect(set, 200, Self.own)
            #expect(set.headers["ETag"] == #""1""#)
            let late = try await put(world, "{}", match: #""0""#)
            try expectProblem(late, 412, "precondition_failed")
            #expect(late.headers["ETag"] == #""1""#)
            try expect(try await world.get(Self.path), 200, Self.own)
            #expect(try await world.get(Self.path, headers: [("If-None-Match", #""1""#)]).status == 304)
            let shown = try await world.get("/v1/features/video/faces").json["dispatch"]
            #expect(shown?["priority"]?.number == 7)
            #expect(shown?["requires"]?["gpu"]?.stringValue == "a100")
            #expect(shown?["order_by"]?.stringValue == "shard")
            #expect(try await world.get("/v1/features/video/raw").json["dispatch"] == .null)
            let changes = try await world.get("/v1/admin/audit").json["changes"]?.arrayValue
            #expect(changes?.first?["kind"]?.stringValue == "dispatch_configured")
            #expect(changes?.first?["feature"]?.stringValue == "video/faces")
            #expect(changes?.first?["detail"]?["requires"]?.stringValue == "gpu=a100")
            #expect(changes?.first?["detail"]?["order_by"]?.stringValue == "shard")
            let reset = try await put(world, "{}")
            try expect(reset, 200, Self.standard)
            #expect(reset.headers["ETag"] == #""2""#)
        }
    }

    @Test(
        "what makes no sense is refused, with the place",
        arguments: [
            (#"{"priority":1.5}"#, "/priority"), (#"{"priority":1000001}"#, "/priority"),
            (#"{"max_claims":-1}"#, "/max_claims"), (#"{"max_claims":10001}"#, "/max_claims"),
            (#"{"max_attempts":0}"#, "/max_attempts"), (#"{"retry_first_seconds":0}"#, "/retry_first_seconds"),
            (#"{"retry_first_seconds":20,"retry_max_seconds":19}"#, "/retry_max_seconds"),
            (#"{"retry_first_seconds":3601}"#, "/retry_max_seconds"), (#"{"requires":["gpu"]}"#, "/requires"),
            (#"{"requires":{"gpu":8}}"#, "/requires/gpu"), (#"{"requires":{"":"a"}}"#, "/requires/"),
            (#"{"order":"oldest"}"#, "/order"), (#"{"order_by":7}"#, "/order_by"), (#"{"order_by":""}"#, "/order_by"),
            (#"{"order_by":"metaxy_provenance"}"#, "/order_by"),
        ])
    func faults(_ body: String, _ pointer: String) async throws {
        try await World.with { world in
            try await world.prepare()
            let answer = try await put(world, body)
            try expectProblem(answer, 422, "validation_failed")
            #expect(try answer.json["errors"]?.arrayValue?.map { $0["pointer"]?.stringValue } == [pointer])
            try expect(try await world.get(Self.path), 200, Self.standard)
        }
    }

    @Test("a root has no work to hand out, and an unknown feature no settings")
    func others() async throws {
        try await World.with { world in
            try await world.prepare()
            try expectProblem(try await world.get("/v1/dispatch/video/raw"), 422, "validation_failed")
            try expectProblem(try await world.put("/v1/dispatch/video/raw", "{}"), 422, "validation_failed")
            try expectProblem(try await world.get("/v1/dispatch/video/none"), 404, "feature_not_found")
        }
    }

    @Test("the cap of a project can be changed while it has records, and changes no version")
    func project() async throws {
        try await World.with { world in
            try await world.prepare()
            let before = try await world.get("/v1/projects/demo")
            let capped = try await world.put("/v1/projects/demo", #"{"max_claims":1}"#)
            #expect(capped.status == 200)
            #expect(try capped.json["max_claims"]?.number == 1)
            let one = #"{"feature":"video/faces","worker":"w","limit":1}"#
            #expect(try await world.post("/v1/claims", one).status == 201)
            #expect(try await world.post("/v1/claims", one).status == 204)
            // What is left out stays.
            #expect(try await world.put("/v1/projects/demo", "{}").json["max_claims"]?.number == 1)
            #expect(try await world.put("/v1/projects/demo", #"{"max_claims":null}"#).json["max_claims"] == .null)
            #expect(try await world.post("/v1/claims", one).status == 201)
            #expect(try await world.get("/v1/projects/demo").text == before.text)
            let bad = try await world.put("/v1/projects/demo", #"{"max_claims":-1}"#)
            try expectProblem(bad, 422, "validation_failed")
        }
    }

    @Test("a worker without the tags is refused, one with them is served; several features are tried by priority")
    func tags() async throws {
        try await World.with { world in
            try await world.prepare()
            _ = try await put(world, Self.settings)
            let bare = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"w","wait_seconds":60}"#)
            try expectProblem(bare, 409, "requirements_not_met")
            #expect(try bare.json["detail"]?.stringValue?.contains("video/faces requires gpu=a100") == true)
            let fitting = #"{"features":["video/faces"],"worker":"w","tags":{"gpu":"a100"},"max_seconds":60}"#
            #expect(try await world.post("/v1/claims", fitting).json["records"]?.arrayValue?.count == 2)
            let bad = #"{"feature":"video/faces","worker":"w","tags":{"gpu":null},"max_seconds":0}"#
            let answer = try await world.post("/v1/claims", bad)
            try expectProblem(answer, 422, "validation_failed")
            #expect(
                try answer.json["errors"]?.arrayValue?.map { $0["pointer"]?.stringValue } == [
                    "/max_seconds", "/tags/gpu",
                ])
        }
    }

    @Test("seconds come with a document or beside lines, and the status shows how long a record took")
    func seconds() async throws {
        try await World.with { world in
            try await world.prepare()
            let claim = try await world.claim()
            let path = "/v1/claims/\(claim.id)/complete"
            let one = try await world.post(
                path, #"{"token":\#(claim.token),"records":[{"video_id":"v1"}],"seconds":3}"#)
            #expect(one.status == 200)
            let two = try await world.postLines("\(path)?token=\(claim.token)&seconds=1.5", #"{"video_id":"v2"}"#)
            #expect(two.status == 200)
            let status = try await world.get("/v1/status").json["features"]?.arrayValue
            #expect(status?.last?["seconds_per_unit"] == .double(2.25))
            for seconds in ["-1", "x", "nan", "1e99"] {
                let answer = try await world.postLines("\(path)?token=\(claim.token)&seconds=\(seconds)", "")
                try expectProblem(answer, 400, "invalid_parameter")
            }
        }
    }
}
