// How often one token may ask.

import HTTP
import Service
import Testing

@testable import API

@Suite("Rate limits")
struct RateLimitTests {
    @Test("a token may catch up for ten seconds, and then goes on at its rate")
    func bucket() {
        let limit = RateLimit(perSecond: 2)
        var bucket = RateBucket(limit, at: 0)
        for left in (0..<20).reversed() { #expect(bucket.take(limit, at: 0).left == left) }
        let refused = bucket.take(limit, at: 0)
        #expect(refused.left == nil && refused.seconds == 1)
        // Half a second brings one request; silence brings no more than the window holds; no clock goes back.
        #expect(bucket.take(limit, at: 500_000_000).left == 0)
        #expect(bucket.take(limit, at: 500_000_000).left == nil)
        #expect(bucket.take(limit, at: 100).left == nil)
        #expect(bucket.take(limit, at: 3_600_000_000_000).left == 19)
    }

    @Test("one request too many is 429 with Retry-After; each answer tells what is left; other tokens are not touched")
    func answers() async throws {
        try await World.with { world in
            let configuration = APIConfiguration(
                authorizer: .tokens(of: world.metaxy), random: { 1 }, clock: { 0 }, version: "1",
                rateLimit: RateLimit(perSecond: 1))
            let api = API(metaxy: world.metaxy, configuration: configuration) { _ in }
            func get(_ secret: String) async throws -> Answer {
                let head = try World.head("GET", "/v1/projects", headers: [("Authorization", "Bearer \(secret)")])
                let body = RequestBody(declaredLength: 0) { () async throws(BodyError) in nil }
                return await Answer(await api.respond(Request(head: head, body: body, remote: "192.0.2.7:1")))
            }
            let busy = try await world.token("busy", [.read])
            let calm = try await world.token("calm", [.read])
            for left in (0..<10).reversed() {
                let answer = try await get(busy)
                #expect(answer.status == 200)
                #expect(answer.headers["RateLimit"] == "\"token\";r=\(left);t=\(left == 0 ? 1 : 0)")
                #expect(answer.headers["RateLimit-Policy"] == "\"token\";q=10;w=10")
            }
            let refused = try await get(busy)
            #expect(refused.status == 429)
            #expect(try refused.code == "rate_limited")
            #expect(refused.headers["Retry-After"] == "1")
            #expect(refused.headers["RateLimit"] == "\"token\";r=0;t=1")
            #expect(try await get(calm).status == 200)
        }
    }

    @Test("without a limit, answers tell of none")
    func unlimited() async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("t", [.read])
            let answer = try await world.get("/v1/projects", headers: [("Authorization", "Bearer \(secret)")])
            #expect(answer.headers["RateLimit"] == nil && answer.headers["RateLimit-Policy"] == nil)
        }
    }
}
