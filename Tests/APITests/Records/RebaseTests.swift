// Records carried over to another feature version, over a socket.

import HTTP
import JSON
import Testing

@Suite("Rebase")
struct RebaseTests {
    private static let crops = """
        {"key":"video/crops","id_columns":["video_id"],"deps":[{"feature":"video/faces"}],\
        "fields":[{"key":"crops","code_version":"1"}]}
        """

    private static func bumped(_ spec: String) -> String {
        spec.replacing(#""code_version":"1""#, with: #""code_version":"2""#)
    }

    /// Two videos with their faces and crops computed; then a push of other specs. `body` gets the earlier versions.
    private static func after(
        _ specs: [String], _ body: @escaping (World, [String: String]) async throws -> Void
    ) async throws {
        try await World.overSocket { world in
            let push = try await world.post("/v1/push", Graphs.push([Graphs.raw, Graphs.faces, crops])).json
            var versions: [String: String] = [:]
            for feature in push["features"]?.arrayValue ?? [] {
                versions[feature["key"]?.stringValue ?? ""] = feature["feature_version"]?.stringValue
            }
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            let lines =
                #"{"video_id":"v1"}"# + "\n" + #"{"video_id":"v2","metaxy_data_version_by_field":{"faces":"mine"}}"#
            _ = try await world.postLines("/v1/records/video/faces", lines)
            _ = try await world.postLines(
                "/v1/records/video/crops", #"{"video_id":"v1"}"# + "\n" + #"{"video_id":"v2"}"#)
            #expect(try await world.post("/v1/push", Graphs.push(specs)).status == 201)
            try await body(world, versions)
        }
    }

    private func counts(_ world: World, _ feature: String) async throws -> [Int64?] {
        let counts = try await world.post("/v1/resolve/\(feature)", "{}").json["counts"]
        return ["new", "stale", "blocked", "up_to_date"].map { counts?[$0]?.number }
    }

    private func rebase(_ world: World, _ feature: String, _ from: String?, _ more: String = "") async throws
        -> [Int64?]
    {
        let answer = try await world.post("/v1/rebase/\(feature)", #"{"from":"\#(from ?? "")"\#(more)}"#)
        #expect(answer.status == 200, "\(answer.text)")
        return try ["rebased", "unchanged", "skipped"].map { try answer.json[$0]?.number }
    }

    private func verify(_ world: World) async throws {
        try expect(
            try await world.send("POST", "/v1/admin/verify"), 200,
            #"{"checked":"<number>","mismatches":[],"mismatch_count":0}"#)
    }

    @Test("records get the provenance of the current definition and keep overridden data versions")
    func rebases() async throws {
        try await Self.after([Graphs.raw, Self.bumped(Graphs.faces), Self.crops]) { world, versions in
            let from = versions["video/faces"]
            #expect(try await counts(world, "video/faces") == [0, 2, 0, 0])
            #expect(try await rebase(world, "video/faces", from, #","dry_run":true"#) == [2, 0, 0])
            #expect(try await counts(world, "video/faces") == [0, 2, 0, 0])
            #expect(try await rebase(world, "video/faces", from) == [2, 0, 0])
            #expect(try await counts(world, "video/faces") == [0, 0, 0, 2])
            let records = try await world.get("/v1/records/video/faces").json["records"]?.arrayValue ?? []
            #expect(records.map { $0["metaxy_feature_version"]?.stringValue != from } == [true, true])
            let own = records.map { $0["metaxy_data_version_by_field"]?["faces"]?.stringValue }
            #expect(own[1] == "mine")
            #expect(own[0] == records[0]["metaxy_provenance_by_field"]?["faces"]?.stringValue)
            let history = try await world.get("/v1/records/video/faces?history=true").json["records"]?.arrayValue
            #expect(history?.count == 4)
            #expect(try await rebase(world, "video/faces", from) == [0, 0, 0])
            try await verify(world)
        }
    }

    @Test("what is downstream can be carried over too: an input that was only rebased has not moved")
    func chain() async throws {
        try await Self.after([Graphs.raw, Self.bumped(Graphs.faces), Self.crops]) { world, versions in
            _ = try await rebase(world, "video/faces", versions["video/faces"])
            // The overridden data version of v2 did not move.
            #expect(try await counts(world, "video/crops") == [0, 1, 0, 1])
            #expect(try await rebase(world, "video/crops", versions["video/crops"]) == [2, 0, 0])
            #expect(try await counts(world, "video/crops") == [0, 0, 0, 2])
            try await verify(world)
        }
    }

    @Test("a record whose inputs moved stays stale")
    func moved() async throws {
        try await Self.after([Graphs.raw, Self.bumped(Graphs.faces), Self.crops]) { world, versions in
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"other","frames":"moved"}}"#)
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v2","metaxy_provenance_by_field":{"audio":"other","frames":"f2"}}"#)
            #expect(try await rebase(world, "video/faces", versions["video/faces"]) == [1, 0, 1])
            #expect(try await counts(world, "video/faces") == [0, 1, 0, 1])
            try await verify(world)
        }
    }

    @Test("roots stand under the current version, as their source said")
    func roots() async throws {
        try await Self.after([Self.bumped(Graphs.raw), Graphs.faces]) { world, versions in
            #expect(try await counts(world, "video/faces") == [0, 0, 0, 2])
            #expect(try await rebase(world, "video/raw", versions["video/raw"]) == [2, 0, 0])
            let records = try await world.get("/v1/records/video/raw").json["records"]?.arrayValue ?? []
            #expect(records.first?["metaxy_provenance_by_field"]?["frames"]?.stringValue == "f1")
            #expect(try await rebase(world, "video/faces", versions["video/faces"]) == [2, 0, 0])
            #expect(try await counts(world, "video/faces") == [0, 0, 0, 2])
            try await verify(world)
        }
    }

    @Test("an expansion is carried over with all its records")
    func expansion() async throws {
        let shots = """
            {"key":"video/shots","id_columns":["video_id","n"],"deps":[{"feature":"video/raw",\
            "lineage":{"relationship":{"type":"1:N","on":["video_id"]}}}],"fields":[{"key":"shot","code_version":"1"}]}
            """
        try await World.overSocket { world in
            let push = try await world.post("/v1/push", Graphs.push([Graphs.raw, shots])).json
            let from = push["features"]?.arrayValue?[1]["feature_version"]?.stringValue
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            let claim = try await world.post("/v1/claims", #"{"feature":"video/shots","worker":"w"}"#).json
            let units =
                #"{"id":{"video_id":"v1"},"records":[{"video_id":"v1","n":1},{"video_id":"v1","n":2}]}"#
                + "\n" + #"{"id":{"video_id":"v2"},"records":[]}"#
            _ = try await world.postLines(
                "/v1/claims/\(claim["claim_id"]?.number ?? 0)/complete?token=\(claim["token"]?.number ?? 0)", units)
            _ = try await world.post("/v1/push", Graphs.push([Graphs.raw, Self.bumped(shots)]))
            #expect(try await counts(world, "video/shots") == [0, 2, 0, 0])
            #expect(try await rebase(world, "video/shots", from) == [2, 0, 0])
            #expect(try await counts(world, "video/shots") == [0, 0, 0, 2])
            let records = try await world.get("/v1/records/video/shots").json["records"]?.arrayValue ?? []
            #expect(records.map { $0["metaxy_feature_version"]?.stringValue != from } == [true, true])
            try await verify(world)
        }
    }

    @Test("versions that are not there, or not current, are refused")
    func refusals() async throws {
        try await Self.after([Graphs.raw, Self.bumped(Graphs.faces), Self.crops]) { world, versions in
            let from = versions["video/faces"] ?? ""
            let unknown = try await world.post("/v1/rebase/video/faces", #"{"from":"none"}"#)
            try expectProblem(unknown, 404, "version_not_found")
            let nowhere = try await world.post("/v1/rebase/video/faces", #"{"from":"\#(from)","to":"none"}"#)
            try expectProblem(nowhere, 404, "version_not_found")
            let back = try await world.post("/v1/rebase/video/faces", #"{"from":"\#(from)","to":"\#(from)"}"#)
            try expectProblem(back, 422, "validation_failed")
            #expect(try back.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue == "/to")
            try expectProblem(try await world.post("/v1/rebase/video/faces", "{}"), 422, "validation_failed")
            try expectProblem(
                try await world.post("/v1/rebase/video/none", #"{"from":"x"}"#), 404, "feature_not_found")
        }
    }
}
