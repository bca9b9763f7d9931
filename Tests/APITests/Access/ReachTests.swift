// Tokens that are limited to projects: what belongs to others is not there.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("Tokens limited to projects")
struct ReachTests {
    /// A request to a route: in its target and body `$f` stands for a feature, `$p` for its project, `$c` for a claim.
    private struct Probe {
        let target: String
        var body: String?
        /// What is answered about something of another project, and about something that does not exist.
        var status: UInt16 = 404
    }

    private static let probes: [String: [Probe]] = [
        "pushGraph": [
            Probe(target: "/v1/push", body: #"{"project":"$p","features":[]}"#, status: 403),
            Probe(
                target: "/v1/push",
                body:
                    #"{"project":"mine","features":[{"spec":{"key":"mine/raw","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},{"spec":{"key":"mine/x","id_columns":["id"],"deps":[{"feature":"$f"}],"fields":[{"key":"x","code_version":"1"}]}}]}"#,
                status: 422),
        ],
        "listProjects": [Probe(target: "/v1/projects", status: 200)],
        "getProject": [Probe(target: "/v1/projects/$p")],
        "putProject": [Probe(target: "/v1/projects/$p", body: "{}", status: 403)],
        "listVersions": [Probe(target: "/v1/projects/$p/versions")],
        "compareVersions": [Probe(target: "/v1/projects/$p/diff?from=latest")],
        "listFeatures": [
            Probe(target: "/v1/features", status: 200), Probe(target: "/v1/features?project=$p"),
            Probe(target: "/v1/features?prefix=$p", status: 200),
        ],
        "getFeature": [Probe(target: "/v1/features/$f")],
        "getDispatch": [Probe(target: "/v1/dispatch/$f")],
        "putDispatch": [Probe(target: "/v1/dispatch/$f", body: "{}")],
        "getGraph": [
            Probe(target: "/v1/graph", status: 200), Probe(target: "/v1/graph?feature=$f"),
            Probe(target: "/v1/graph?project=$p"), Probe(target: "/v1/graph?format=mermaid", status: 200),
            Probe(target: "/v1/graph?format=dot&feature=mine/raw", status: 200),
        ],
        "writeRecords": [
            Probe(
                target: "/v1/records/$f",
                body: #"{"records":[{"id":"hidden-1","metaxy_provenance_by_field":{"hidden_field":"x"}}]}"#)
        ],
        "deleteRecords": [
            Probe(target: "/v1/records/$f?all=true"), Probe(target: "/v1/records/$f?all=true&hard=true&dry_run=true"),
        ],
        "restoreRecords": [Probe(target: "/v1/restore/$f", body: #"{"filter":"id = 'hidden-1'"}"#)],
        "rebaseRecords": [Probe(target: "/v1/rebase/$f", body: #"{"from":"x"}"#)],
        "listRecords": [Probe(target: "/v1/records/$f"), Probe(target: "/v1/records/$f?history=true")],
        "resolveIncrement": [
            Probe(target: "/v1/resolve/$f", body: "{}"),
            Probe(target: "/v1/resolve/mine/leaf", body: #"{"filters":{"$f":"id = 'hidden-1'"}}"#, status: 422),
        ],
        "createClaim": [Probe(target: "/v1/claims", body: #"{"feature":"$f","worker":"w"}"#)],
        "listClaims": [
            Probe(target: "/v1/claims", status: 200), Probe(target: "/v1/claims?feature=$f"),
            Probe(target: "/v1/claims?worker=someone", status: 200),
        ],
        "getClaim": [Probe(target: "/v1/claims/$c")],
        "extendClaim": [Probe(target: "/v1/claims/$c/heartbeat", body: #"{"token":$t}"#)],
        "completeClaim": [
            Probe(target: "/v1/claims/$c/complete", body: #"{"token":$t,"records":[{"id":"hidden-2"}]}"#)
        ],
        "failClaim": [Probe(target: "/v1/claims/$c/fail", body: #"{"token":$t,"error":"x"}"#)],
        "releaseClaim": [Probe(target: "/v1/claims/$c/release", body: #"{"token":$t}"#)],
        "listFailures": [Probe(target: "/v1/failures/$f")],
        "retryFailures": [Probe(target: "/v1/failures/$f/retry", body: "{}")],
        "traceLineage": [
            Probe(target: "/v1/lineage/$f", body: #"{"id":{"id":"hidden-1"}}"#),
            Probe(target: "/v1/lineage/mine/raw", body: #"{"id":{"id":"m1"},"direction":"both"}"#, status: 200),
        ],
        "getLineage": [Probe(target: "/v1/lineage/$f?id=%7B%22id%22%3A%22hidden-1%22%7D")],
        "explainRecord": [Probe(target: "/v1/explain/$f?id=%7B%22id%22%3A%22hidden-1%22%7D")],
        "listEvents": [Probe(target: "/v1/events", status: 200)],
        "getStatus": [Probe(target: "/v1/status", status: 200)],
        "verifyState": [
            Probe(target: "/v1/admin/verify", body: #"{"feature":"$f"}"#),
            Probe(target: "/v1/admin/verify", body: "{}", status: 200),
        ],
        "dropHistory": [Probe(target: "/v1/admin/retention", body: #"{"feature":"$f","keep_days":0}"#)],
    ]

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
                let probes = try #require(Self.probes[route.operation], "\(route.operation) has no probe")
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
