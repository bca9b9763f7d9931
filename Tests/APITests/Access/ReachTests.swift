// Tokens that are limited to projects: what belongs to others is not there.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("Tokens limited to projects")
struct ReachTests {
    /// Two projects; `theirs` has features of its own and one that is made from `mine`.
    private static let pushes = [
        #"""
        {"project":"mine","features":[
        {"spec":{"key":"mine/raw","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
        {"spec":{"key":"mine/leaf","id_columns":["id"],"deps":[{"feature":"mine/raw"}],"fields":[{"key":"y","code_version":"1"}]}}]}
        """#,
        #"""
        {"project":"theirs","message":"hidden message","features":[
        {"spec":{"key":"theirs/raw","id_columns":["id"],"fields":[{"key":"hidden_field","code_version":"1"}]}},
        {"spec":{"key":"theirs/leaf","id_columns":["id"],"deps":[{"feature":"theirs/raw"}],"fields":[{"key":"hidden_leaf","code_version":"1"}]}},
        {"spec":{"key":"theirs/made","id_columns":["id"],"deps":[{"feature":"mine/raw"}],"fields":[{"key":"hidden_made","code_version":"1"}]}}]}
        """#,
    ]

    /// Fills both projects, with a claim and a failure in `theirs`.
    ///
    /// - Returns: the claim and its fencing token.
    private static func fill(_ world: World, _ admin: [(String, String)]) async throws -> (claim: Int64, token: Int64) {
        for push in pushes { #expect(try await world.post("/v1/push", push, headers: admin).status == 201) }
        let mine = #"{"records":[{"id":"m1","metaxy_provenance_by_field":{"x":"1"}}]}"#
        #expect(try await world.post("/v1/records/mine/raw", mine, headers: admin).status == 200)
        let theirs = #"""
            {"records":[{"id":"hidden-1","path":"hidden path","metaxy_provenance_by_field":{"hidden_field":"1"}},
            {"id":"hidden-2","metaxy_provenance_by_field":{"hidden_field":"1"}}]}
            """#
        #expect(try await world.post("/v1/records/theirs/raw", theirs, headers: admin).status == 200)
        let made = #"{"records":[{"id":"m1"}]}"#
        #expect(try await world.post("/v1/records/theirs/made", made, headers: admin).status == 200)
        let ask = #"{"feature":"theirs/leaf","worker":"hidden worker","limit":1}"#
        let failed = try await world.post("/v1/claims", ask, headers: admin)
        let failedID = try #require(failed.json["claim_id"]?.number)
        let report = #"{"token":\#(try #require(failed.json["token"]?.number)),"error":"hidden error"}"#
        #expect(try await world.post("/v1/claims/\(failedID)/fail", report, headers: admin).status == 200)
        let held = try await world.post("/v1/claims", ask, headers: admin)
        return (try #require(held.json["claim_id"]?.number), try #require(held.json["token"]?.number))
    }

    /// A text without what moves with time.
    private static func steady(_ text: String) -> String {
        text.replacing(/"oldest_pending_age_seconds":[0-9.]+/, with: "").replacing(/"next":"[^"]*"/, with: "")
    }

    @Test("sees nothing of another project: each route answers as if it were not there")
    func hidden() async throws {
        try await World.with(authorizer: nil) { world in
            let everything = Set(Permission.allCases)
            let admin = [("Authorization", "Bearer \(try await world.token("admin", everything))")]
            let limited = [
                ("Authorization", "Bearer \(try await world.token("limited", everything, projects: ["mine"]))")
            ]
            let held = try await Self.fill(world, admin)
            let before = Self.steady(try await world.get("/v1/status", headers: admin).text)
            for route in Routes.table where route.scope != nil && !route.isGlobal {
                let probes = try #require(RouteProbe.all[route.operation], "\(route.operation) has no probe")
                for probe in probes {
                    func send(_ project: String, _ claim: Int64) async throws -> Answer {
                        func filled(_ text: String) -> String {
                            text.replacing("$f", with: "\(project)/raw").replacing("$p", with: project)
                                .replacing("$c", with: "\(claim)").replacing("$t", with: "\(held.token)")
                        }
                        return try await world.send(
                            route.method.name, filled(probe.target),
                            headers: limited + (probe.body == nil ? [] : [("Content-Type", "application/json")]),
                            body: probe.body.map { Array(filled($0).utf8) })
                    }
                    let theirs = try await send("theirs", held.claim)
                    let absent = try await send("absent", 999_999)
                    let place = "\(route.operation) \(probe.target)"
                    #expect(theirs.status == probe.status, "\(place): \(theirs.text)")
                    #expect(!theirs.text.contains("hidden") || probe.target.contains("hidden"), "\(place)")
                    // What exists elsewhere and what exists nowhere cannot be told apart.
                    let same = Self.steady(theirs.text).replacing("theirs", with: "absent")
                        .replacing("claim \(held.claim)", with: "claim 999999")
                        .replacing("claims/\(held.claim)", with: "claims/999999")
                    #expect(same == Self.steady(absent.text), "\(place)")
                    if probe.status == 200 { #expect(!theirs.text.contains("theirs"), "\(place)") }
                }
            }
            // And it has changed nothing there.
            #expect(Self.steady(try await world.get("/v1/status", headers: admin).text) == before)
        }
    }

    @Test("gets 403 where a route tells of all projects")
    func global() async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("limited", Set(Permission.allCases), projects: ["mine"])
            let names = Routes.table.filter(\.isGlobal).map(\.operation)
            #expect(names == ["getMetrics", "listAudit", "listTokens", "createToken", "rotateToken", "revokeToken"])
            for route in Routes.table where route.isGlobal {
                let target = route.template.text.replacing("{token}", with: "admin")
                let answer = try await world.send(
                    route.method.name, target, headers: [("Authorization", "Bearer \(secret)")])
                #expect(answer.status == 403, "\(route.operation)")
            }
        }
    }

    @Test("works on its own projects as any other, and what follows elsewhere still follows")
    func own() async throws {
        try await World.with(authorizer: nil) { world in
            let everything = Set(Permission.allCases)
            let admin = [("Authorization", "Bearer \(try await world.token("admin", everything))")]
            let limited = [
                ("Authorization", "Bearer \(try await world.token("limited", everything, projects: ["mine"]))")
            ]
            _ = try await Self.fill(world, admin)
            let changed = #"{"records":[{"id":"m1","metaxy_provenance_by_field":{"x":"2"}}]}"#
            #expect(try await world.post("/v1/records/mine/raw", changed, headers: limited).status == 200)
            let claim = try await world.post(
                "/v1/claims", #"{"feature":"mine/leaf","worker":"w"}"#, headers: limited)
            #expect(claim.status == 201)
            let elsewhere = try await world.post("/v1/resolve/theirs/made", "{}", headers: admin)
            #expect(try elsewhere.json["counts"]?["stale"]?.number == 1)
            let bumped = Self.pushes[0].replacing(#""x","code_version":"1""#, with: #""x","code_version":"2""#)
            let push = try await world.post("/v1/push", bumped, headers: limited)
            #expect(push.status == 201)
            #expect(!push.text.contains("theirs"))
            let taken =
                #"{"project":"mine","features":[{"spec":{"key":"theirs/raw","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}}]}"#
            let refused = try await world.post("/v1/push", taken, headers: limited)
            #expect(refused.status == 422)
            #expect(refused.text.contains("belongs to another project"))
        }
    }
}
