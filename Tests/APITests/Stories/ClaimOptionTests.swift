// What a worker may ask of a claim, and how it reports units of an expansion, over a socket.

import HTTP
import JSON
import Testing

@Suite("Claims and their options")
struct ClaimOptionTests {
    private func ids(_ answer: Answer, _ column: String = "video_id") throws -> [String] {
        (try answer.json["records"]?.arrayValue ?? []).compactMap { $0[column]?.stringValue }
    }

    @Test("a filter leaves what does not pass to others")
    func filter() async throws {
        try await World.overSocket { world in
            try await world.prepare()
            let none = #"{"feature":"video/faces","worker":"w","filter":"path = 'elsewhere'"}"#
            #expect(try await world.post("/v1/claims", none).status == 204)
            let one = #"{"feature":"video/faces","worker":"w","filter":["path = 's3://b/v2.mp4'","video_id <> 'v1'"]}"#
            #expect(try ids(try await world.post("/v1/claims", one)) == ["v2"])
            let rest = #"{"feature":"video/faces","worker":"other"}"#
            #expect(try ids(try await world.post("/v1/claims", rest)) == ["v1"])
            let bad = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"w","filter":"a ="}"#)
            try expectProblem(bad, 422, "validation_failed")
            #expect(try bad.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue == "/filter")
        }
    }

    @Test("kinds take only new or only stale records")
    func kinds() async throws {
        try await World.overSocket { world in
            try await world.prepare()
            _ = try await world.postLines("/v1/records/video/faces", #"{"video_id":"v1","faces":1}"#)
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a1","frames":"moved"}}"#)
            let stale = #"{"feature":"video/faces","worker":"w","kinds":["stale"]}"#
            #expect(try ids(try await world.post("/v1/claims", stale)) == ["v1"])
            #expect(try await world.post("/v1/claims", stale).status == 204)
            let new = #"{"feature":"video/faces","worker":"w","kinds":["new"]}"#
            #expect(try ids(try await world.post("/v1/claims", new)) == ["v2"])
        }
    }

    private static let crops = """
        {"key":"video/crops","id_columns":["video_id"],"deps":[{"feature":"video/faces"}],\
        "fields":[{"key":"crops","code_version":"1"}]}
        """

    @Test("what waits for unsettled inputs is handed out only to who allows it")
    func unsettled() async throws {
        try await World.overSocket { world in
            _ = try await world.post("/v1/push", Graphs.push([Graphs.raw, Graphs.faces, Self.crops]))
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            let lines = #"{"video_id":"v1"}"# + "\n" + #"{"video_id":"v2"}"#
            _ = try await world.postLines("/v1/records/video/faces", lines)
            _ = try await world.postLines("/v1/records/video/crops", lines)
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a1","frames":"moved"}}"#)
            let bumped = Self.crops.replacing(#""code_version":"1""#, with: #""code_version":"2""#)
            _ = try await world.post("/v1/push", Graphs.push([Graphs.raw, Graphs.faces, bumped]))
            let careful = #"{"feature":"video/crops","worker":"w"}"#
            #expect(try ids(try await world.post("/v1/claims", careful)) == ["v2"])
            #expect(try await world.post("/v1/claims", careful).status == 204)
            let hasty = #"{"feature":"video/crops","worker":"w","allow_unsettled_inputs":true}"#
            #expect(try ids(try await world.post("/v1/claims", hasty)) == ["v1"])
        }
    }

    private static let shots = """
        {"key":"video/shots","id_columns":["video_id","n"],"deps":[{"feature":"video/raw",\
        "lineage":{"relationship":{"type":"1:N","on":["video_id"]}}}],"fields":[{"key":"shot","code_version":"1"}]}
        """

    private static func expansion(_ body: @escaping (World, Int64, Int64) async throws -> Void) async throws {
        try await World.overSocket { world in
            _ = try await world.post("/v1/push", Graphs.push([Graphs.raw, shots]))
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            let claim = try await world.post("/v1/claims", #"{"feature":"video/shots","worker":"w"}"#)
            #expect(try claim.json["records"]?.arrayValue?.count == 2)
            let id = try #require(try claim.json["claim_id"]?.number)
            try await body(world, id, try #require(try claim.json["token"]?.number))
        }
    }

    private func shots(_ world: World) async throws -> [String] {
        let records = try await world.get("/v1/records/video/shots").json["records"]?.arrayValue ?? []
        return records.map { "\($0["video_id"]?.stringValue ?? "") \($0["n"]?.number ?? -1)" }.sorted()
    }

    @Test("a unit's records are from then on exactly those reported, none included")
    func units() async throws {
        try await Self.expansion { world, id, token in
            let units = """
                {"token":\(token),"seconds":1.5,"units":[{"id":{"video_id":"v1"},"records":[\
                {"video_id":"v1","n":1,"at":0.5},{"video_id":"v1","n":2,"at":7}]},{"id":{"video_id":"v2"},"records":[]}]}
                """
            let done = #"{"completed":2,"superseded":0,"remaining":0}"#
            try expect(try await world.post("/v1/claims/\(id)/complete", units), 200, done)
            try expect(try await world.post("/v1/claims/\(id)/complete", units), 200, done)
            #expect(try await shots(world) == ["v1 1", "v1 2"])
            let counts = try await world.post("/v1/resolve/video/shots", "{}").json["counts"]
            #expect(counts?["new"]?.number == 0)
            #expect(counts?["up_to_date"]?.number == 2)
        }
    }

    @Test("lines are units too, and a smaller set deletes the rest")
    func lines() async throws {
        try await Self.expansion { world, id, token in
            let first = #"{"records":[{"video_id":"v1","n":1},{"video_id":"v1","n":2}],"id":{"video_id":"v1"}}"#
            let none = #"{"id":{"video_id":"v2"},"records":[]}"#
            let answer = try await world.postLines(
                "/v1/claims/\(id)/complete?token=\(token)", first + "\n" + none + "\n")
            try expect(answer, 200, #"{"completed":2,"superseded":0,"remaining":0}"#)
            _ = try await world.postLines(
                "/v1/records/video/raw",
                #"{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a1","frames":"moved"}}"#)
            let again = try await world.post("/v1/claims", #"{"feature":"video/shots","worker":"w"}"#).json
            let second = try await world.postLines(
                "/v1/claims/\(again["claim_id"]?.number ?? 0)/complete?token=\(again["token"]?.number ?? 0)",
                #"{"id":{"video_id":"v1"},"records":[{"video_id":"v1","n":2}]}"#)
            try expect(second, 200, #"{"completed":1,"superseded":0,"remaining":0}"#)
            #expect(try await shots(world) == ["v1 2"])
            let deleted = try await world.get("/v1/records/video/shots?include_deleted=true").json["records"]
            let marks = (deleted?.arrayValue ?? []).map { $0["metaxy_deleted_at"]?.stringValue != nil }
            #expect(marks == [true, false])
        }
    }

    static let refused: [(units: String, pointer: String)] = [
        (#"[{"id":{"video_id":"v9"},"records":[]}]"#, "/units/0"),
        (#"[{"id":{"video_id":"v1"},"records":[]},{"id":{"video_id":"v1"},"records":[]}]"#, "/units/1"),
        (#"[{"id":{"video_id":"v1"}}]"#, "/units/0/records"),
        (#"[{"records":[]}]"#, "/units/0/id"),
        (#"[{"id":{"video":"v1"},"records":[]}]"#, "/units/0/id/video"),
        (#"[{"id":{"video_id":"v1"},"records":[{"video_id":"v2","n":1}]}]"#, "/units/0/records/0"),
        (#"[{"id":{"video_id":"v1"},"records":[{"video_id":"v1"}]}]"#, "/units/0/records/0/n"),
        (
            #"[{"id":{"video_id":"v1"},"records":[{"video_id":"v1","n":1},{"video_id":"v1","n":1}]}]"#,
            "/units/0/records/1"
        ),
        (#"[{"id":{"video_id":"v1"},"records":{}}]"#, "/units/0/records"),
        (#"[{"id":{"video_id":"v1"},"records":[],"x":1}]"#, "/units/0/x"),
        (#"[7]"#, "/units/0"),
        (#"{}"#, "/units"),
    ]

    @Test("a report of units is refused whole, with the place of each fault")
    func refusals() async throws {
        try await Self.expansion { world, id, token in
            let target = "/v1/claims/\(id)/complete"
            for entry in Self.refused {
                let answer = try await world.post(target, #"{"token":\#(token),"units":\#(entry.units)}"#)
                try expectProblem(answer, 422, "validation_failed")
                let pointer = try answer.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue
                #expect(pointer == entry.pointer, "\(entry.units)")
            }
            let records = try await world.post(target, #"{"token":\#(token),"records":[]}"#)
            try expectProblem(records, 422, "validation_failed")
            #expect(try records.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue == "/records")
            let line = try await world.postLines(
                "\(target)?token=\(token)", #"{"id":{"video_id":"v1"},"records":[{"video_id":"v1","n":null}]}"#)
            try expectProblem(line, 422, "validation_failed")
            #expect(try line.json["errors"]?.arrayValue?.first?["line"]?.number == 1)
            #expect(try await shots(world) == [])
        }
    }

    @Test("a claim on no expansion has no units")
    func noExpansion() async throws {
        try await World.overSocket { world in
            try await world.prepare()
            let claim = try await world.claim()
            let answer = try await world.post(
                "/v1/claims/\(claim.id)/complete", #"{"token":\#(claim.token),"units":[]}"#)
            try expectProblem(answer, 422, "validation_failed")
            #expect(try answer.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue == "/units")
        }
    }
}
