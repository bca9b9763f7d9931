// The names and the lifetimes of API tokens.

import JSON
import Service
import Testing

@testable import API

@Suite("Names and lifetimes of tokens")
struct TokenNameTests {
    @Test(
        "a name that hides or turns characters, or looks like another kind of caller, is 422",
        arguments: [
            "oidc:alice", ":", "a/b", ".", "..", " a", "a ", "a\\tb", "a\\nb", "a\\u0000", "a\\u001bb", "a\\u007f",
            "a\\u0085b",
            "\\u202Eabc", "a\\u200Fb", "a\\u2066b", "a\\u200Bb", "a\\u00ADb", "a\\uFEFF", "a\\u2028b", "a\\u00A0b",
            "\\uE000",
            "a\\\\b",
        ])
    func refused(_ name: String) async throws {
        try await World.with { world in
            let answer = try await world.post("/v1/admin/tokens", #"{"name":"\#(name)","scopes":["read"]}"#)
            #expect(answer.status == 422, "\(answer.text)")
            #expect(try answer.json["errors"]?.arrayValue?.first?["pointer"]?.stringValue == "/name")
            #expect(try await world.get("/v1/admin/tokens").json["tokens"]?.arrayValue?.isEmpty == true)
        }
    }

    @Test("plain words of any script are names", arguments: ["gpu-7", "Ada Lovelace", "a.b_c@d", "訓練", "café"])
    func accepted(_ name: String) async throws {
        try await World.with { world in
            let answer = try await world.post("/v1/admin/tokens", #"{"name":"\#(name)","scopes":["read"]}"#)
            #expect(answer.status == 201, "\(answer.text)")
            #expect(try answer.json["name"]?.stringValue == name)
        }
    }

    /// Seconds between the moment of the database and the end of a token; nil for a token without an end.
    private static func secondsLeft(_ world: World, _ name: String) async throws -> Double? {
        let text = try await world.text(
            "SELECT coalesce(extract(epoch FROM max(coalesce(expires_at, 'infinity')) - now())::text, '') "
                + "FROM api_token_secret WHERE token_name = '\(name)'")
        return text == "Infinity" ? nil : Double(text)
    }

    @Test("a rotation keeps the lifetime, unless the request has another one or null")
    func rotation() async throws {
        try await World.with { world in
            let request = #"{"name":"t","scopes":["read"],"expires_in_seconds":7200}"#
            #expect(try await world.post("/v1/admin/tokens", request).status == 201)
            // The second rotation finds the lifetime of the first one's secret.
            for _ in 0..<2 {
                let kept = try await world.send("POST", "/v1/admin/tokens/t/rotate")
                #expect(kept.status == 201, "\(kept.text)")
                #expect(try kept.json["expires_at"]?.kind == .string)
                let left = try #require(try await Self.secondsLeft(world, "t"))
                #expect(6_000...7_200 ~= left)
            }
            let shorter = try await world.post(
                "/v1/admin/tokens/t/rotate", #"{"expires_in_seconds":60,"grace_seconds":0}"#)
            #expect(shorter.status == 201)
            #expect(try #require(try await Self.secondsLeft(world, "t")) <= 60)
            let unlimited = try await world.post("/v1/admin/tokens/t/rotate", #"{"expires_in_seconds":null}"#)
            #expect(try unlimited.json["expires_at"]?.kind == .null, "\(unlimited.text)")
            let still = try await world.post("/v1/admin/tokens/t/rotate", "{}")
            #expect(try still.json["expires_at"]?.kind == .null, "\(still.text)")
        }
    }

    @Test("a claim that has expired shows how many units were given back")
    func expired() async throws {
        try await World.with { world in
            try await world.prepare()
            let claim = try await world.claim()
            let report = #"{"token":\#(claim.token),"records":[{"video_id":"v1"}]}"#
            #expect(try await world.post("/v1/claims/\(claim.id)/complete", report).status == 200)
            try await world.script("UPDATE claim SET lease_until = now() - interval '1 hour'")
            #expect(try await world.claim().id != claim.id)
            let state = try await world.get("/v1/claims/\(claim.id)").json
            #expect(state["state"]?.stringValue == "expired")
            #expect(state["units"]?.number == 2)
            #expect(state["remaining"]?.number == 1)
        }
    }
}
