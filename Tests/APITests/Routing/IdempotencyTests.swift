// Requests that are sent again under the same key.

import HTTP
import JSON
import Testing

@Suite("Idempotency keys")
struct IdempotencyTests {
    private static func send(
        _ world: World, _ method: String, _ target: String, _ body: String, key: String,
        type: String = "application/json"
    ) async throws -> Answer {
        try await world.send(
            method, target, headers: [("Content-Type", type), ("Idempotency-Key", key)], body: Array(body.utf8))
    }

    @Test("the same request gets the same answer, and takes effect once")
    func same() async throws {
        try await World.with { world in
            let first = try await Self.send(world, "POST", "/v1/push", Graphs.push, key: "push-1")
            let again = try await Self.send(world, "POST", "/v1/push", Graphs.push, key: "push-1")
            #expect(first.status == 201 && again.status == 201)
            #expect(first.text == again.text && first.headers["ETag"] == again.headers["ETag"])
            #expect(first.headers["Idempotent-Replayed"] == nil && again.headers["Idempotent-Replayed"] == "true")
            let lines = Graphs.rows
            for target in ["/v1/records/video/raw", "/v1/records/video/raw"] {
                let written = try await Self.send(
                    world, "POST", target, lines, key: "rows-1", type: "application/x-ndjson")
                #expect(written.status == 200)
                #expect(try written.json["new"]?.number == 2)
                #expect(try written.json["unchanged"]?.number == 0)
            }
            let ask = #"{"feature":"video/faces","worker":"w","limit":1}"#
            let claim = try await Self.send(world, "POST", "/v1/claims", ask, key: "claim-1")
            let same = try await Self.send(world, "POST", "/v1/claims", ask, key: "claim-1")
            #expect(claim.status == 201 && claim.text == same.text)
            #expect(claim.headers["Location"] == same.headers["Location"])
            let other = try await Self.send(world, "POST", "/v1/claims", ask, key: "claim-2")
            #expect(other.status == 201)
            #expect(try other.json["claim_id"] != claim.json["claim_id"])
            let id = try #require(claim.json["claim_id"]?.number)
            let token = try #require(claim.json["token"]?.number)
            let release = #"{"token":\#(token)}"#
            for _ in 0..<2 {
                let released = try await Self.send(
                    world, "POST", "/v1/claims/\(id)/release", release, key: "release-1")
                #expect(released.status == 200)
                #expect(try released.json["released"]?.number == 1)
            }
        }
    }

    @Test("a key that came with another request is refused, and nothing happens")
    func reused() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let first = try await Self.send(
                world, "POST", "/v1/records/video/raw", Graphs.rows, key: "k", type: "application/x-ndjson")
            #expect(first.status == 200)
            let row = #"{"video_id":"v9","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}"#
            let others = [
                try await Self.send(
                    world, "POST", "/v1/records/video/raw", row, key: "k", type: "application/x-ndjson"),
                try await Self.send(
                    world, "POST", "/v1/records/video/raw?materialization_id=m", Graphs.rows, key: "k",
                    type: "application/x-ndjson"),
                try await Self.send(world, "POST", "/v1/restore/video/raw", #"{"filter":"true"}"#, key: "k"),
            ]
            for other in others { try expectProblem(other, 422, "idempotency_key_reused") }
            #expect(try await world.get("/v1/records/video/raw").json["records"]?.arrayValue?.count == 2)
        }
    }

    @Test("a refused request is not remembered: mended, it may keep its key")
    func refused() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let bad = try await Self.send(
                world, "POST", "/v1/records/video/raw", #"{"video_id":1}"#, key: "k", type: "application/x-ndjson")
            try expectProblem(bad, 422, "validation_failed")
            let good = try await Self.send(
                world, "POST", "/v1/records/video/raw", Graphs.rows, key: "k", type: "application/x-ndjson")
            #expect(good.status == 200)
        }
    }

    @Test("keys of nobody", arguments: ["", "with space", String(repeating: "k", count: 256), "schlüssel"])
    func unusable(_ key: String) async throws {
        let world = World.withoutDatabase()
        let answer = try await Self.send(world, "POST", "/v1/push", "{}", key: key)
        #expect(answer.status == 400)
    }

    @Test("of two requests with one key at the same time, one is carried out")
    func concurrent() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let statuses = try await withThrowingTaskGroup(of: UInt16.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await Self.send(
                            world, "POST", "/v1/records/video/raw", Graphs.rows, key: "k",
                            type: "application/x-ndjson"
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.contains(200))
            #expect(statuses.allSatisfy { $0 == 200 || $0 == 409 })
            #expect(try await world.get("/v1/records/video/raw").json["records"]?.arrayValue?.count == 2)
            let again = try await Self.send(
                world, "POST", "/v1/records/video/raw", Graphs.rows, key: "k", type: "application/x-ndjson")
            #expect(try again.json["new"]?.number == 2)
        }
    }
}
