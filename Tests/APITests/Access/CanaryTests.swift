// A limited token finds no text of a hidden project in any answer: canary strings in every field, every route called.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("Canaries in a hidden project")
struct CanaryTests {
    /// Every text of the hidden project contains this, in either case, but for what a visible spec names itself.
    private static let mark = "canary"

    /// The hidden project: `shared/raw`, on which a visible feature depends, and features that no visible spec names.
    private static let hiddenPush = #"""
        {"project":"canary-project","message":"canary-message","tags":{"canary-tag":"canary-tag-value"},"features":[
        {"spec":{"key":"shared/raw","id_columns":["id"],"description":"canary-description",
          "metadata":{"canary-note":"canary-note-value"},
          "fields":[{"key":"canary_field","code_version":"canary-code"},{"key":"canary_other","code_version":"1"}]},
         "schema":{"properties":{"canary_schema":{"type":"string"}}}},
        {"spec":{"key":"canary/inner","id_columns":["canary_id"],"fields":[{"key":"canary_inner","code_version":"1"}]}},
        {"spec":{"key":"canary/leaf","id_columns":["canary_id"],"deps":[{"feature":"canary/inner"}],
          "fields":[{"key":"canary_leaf","code_version":"1"}]}},
        {"spec":{"key":"canary/down","id_columns":["id"],"deps":[{"feature":"mine/raw","rename":{"open":"canary_renamed"}}],
          "fields":[{"key":"canary_down","code_version":"1","deps":[{"feature":"mine/raw","fields":["x"]}]}]}}]}
        """#

    private static let raw =
        #"{"spec":{"key":"mine/raw","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}}"#
    private static let leaf =
        #"{"spec":{"key":"mine/leaf","id_columns":["id"],"deps":[{"feature":"mine/raw"}],"fields":[{"key":"y","code_version":"1"}]}}"#

    /// A feature of the visible project that depends on the hidden one and selects one column of it.
    private static func mix(_ more: String = "", fields: String = "") -> String {
        #"{"spec":{"key":"mine/mix","id_columns":["id"],"deps":[{"feature":"mine/raw","select":[]},{"feature":"shared/raw","select":["open"]\#(more)}],"fields":[{"key":"z","code_version":"1"\#(fields)}]}}"#
    }

    private static func push(_ features: [String]) -> String {
        #"{"project":"mine","features":[\#(features.joined(separator: ","))]}"#
    }

    /// The claims of the two projects and their fencing tokens.
    private struct Claims {
        let own: (id: Int64, token: Int64)
        let hidden: (id: Int64, token: Int64)
    }

    private static func row(_ id: String, _ version: String, more: String = "") -> String {
        #"{"id":"\#(id)","open":"o","canary_column":"canary-metadata"\#(more),"metaxy_provenance_by_field":{"canary_field":"\#(version)","canary_other":"canary-1"}}"#
    }

    /// Fills both projects: records in every state, claims, failures and deleted records.
    private static func fill(_ world: World, _ admin: [(String, String)]) async throws -> Claims {
        let owner = [("Authorization", "Bearer \(try await world.token("owner", Set(Permission.allCases)))")]
        func post(_ target: String, _ body: String) async throws -> JSONValue {
            let isOwn =
                body.contains(#""project":"mine""#) || (target + body).contains("mine/") || body.contains("own ")
            let request = "\(isOwn ? "own" : "canary")-request-\(target.utf8.count)"
            let answer = try await world.post(
                target, body, headers: (isOwn ? owner : admin) + [("X-Request-Id", request)])
            #expect(200...201 ~= answer.status, "\(target): \(answer.text)")
            return try answer.json
        }
        func claim(_ feature: String, _ worker: String, _ limit: Int) async throws -> (id: Int64, token: Int64) {
            let body = #"{"feature":"\#(feature)","worker":"\#(worker)","limit":\#(limit)}"#
            let claim = try await post("/v1/claims", body)
            return (try #require(claim["claim_id"]?.number), try #require(claim["token"]?.number))
        }
        _ = try await post("/v1/push", push([raw, leaf]))
        _ = try await post("/v1/push", hiddenPush)
        _ = try await post("/v1/push", push([raw, leaf, mix()]))
        let ids = ["m1", "m2", "m3", "m4"]
        let own = ids.map { #"{"id":"\#($0)","open":"1","metaxy_provenance_by_field":{"x":"1"}}"# }
        _ = try await post("/v1/records/mine/raw", #"{"records":[\#(own.joined(separator: ","))]}"#)
        let rows = ids.map { row($0, "canary-version-1") }.joined(separator: ",")
        _ = try await post(
            "/v1/records/shared/raw?materialization_id=canary-materialization", #"{"records":[\#(rows)]}"#)
        let inner = (1...3).map {
            #"{"canary_id":"canary-id-\#($0)","metaxy_provenance_by_field":{"canary_inner":"canary-\#($0)"}}"#
        }
        _ = try await post("/v1/records/canary/inner", #"{"records":[\#(inner.joined(separator: ","))]}"#)
        let done = try await claim("mine/mix", "own worker", 3)
        let results = ids.prefix(3).map { #"{"id":"\#($0)"}"# }.joined(separator: ",")
        _ = try await world.post(
            "/v1/claims/\(done.id)/complete", #"{"token":\#(done.token),"records":[\#(results)]}"#, headers: owner)
        // m1 is stale through the hidden feature, m2 is orphaned, m3 is up to date, m4 is new and claimed.
        _ = try await post("/v1/records/shared/raw", #"{"records":[\#(row("m1", "canary-version-2"))]}"#)
        _ = try await world.send("DELETE", "/v1/records/shared/raw?filter=id%20%3D%20'm2'", headers: admin)
        let failed = try await claim("canary/leaf", "canary-worker", 1)
        _ = try await post(
            "/v1/claims/\(failed.id)/fail", #"{"token":\#(failed.token),"error":"canary-error","retryable":false}"#)
        let dispatch = #"{"requires":{"canary-gpu":"canary-a100"},"order_by":"canary_column","max_claims":7}"#
        _ = try await world.send(
            "PUT", "/v1/dispatch/canary/down", headers: admin + [("Content-Type", "application/json")],
            body: Array(dispatch.utf8))
        return Claims(
            own: try await claim("mine/mix", "own worker", 1),
            hidden: try await claim("canary/leaf", "canary-worker-2", 1))
    }

    /// Requests beside those of `RouteProbe`, about what the visible project shares with the hidden one.
    private static let probes: [String: [RouteProbe]] = [
        "pushGraph": [
            [raw, leaf, mix(#","rename":{"nope":"id"}"#)],
            [raw, leaf, mix(fields: #","deps":[{"feature":"shared/raw","fields":["nope"]}]"#)],
            [raw, leaf, mix(#","sql_filters":["canary_x = 1"]"#)], [leaf], [],
            [raw.replacing(#""x""#, with: #""w""#), leaf, mix()],
            [raw.replacing(#"["id"]"#, with: #"["other"]"#), leaf, mix()],
            [raw, leaf, mix(), raw.replacing("mine/raw", with: "shared/raw")],
            [raw, leaf, mix(#","lineage":{"relationship":{"type":"N:1","on":["nope"]}}"#)],
        ].map { RouteProbe(target: "/v1/push?dry_run=true", body: push($0)) },
        "resolveIncrement": [
            #"{"kinds":["new","stale","orphaned","blocked"]}"#, #"{"filters":{"shared/raw":"id = 'm1'"}}"#,
            #"{"filters":{"shared/raw":"nope = 'x'"}}"#, #"{"global_filters":["nope = 1"]}"#,
            #"{"target_filters":["nope = 1"]}"#, #"{"staleness_predicates":["nope = 1"]}"#, #"{"compat":"metaxy"}"#,
        ].map { RouteProbe(target: "/v1/resolve/mine/mix", body: $0) },
        "explainRecord": ["m1", "m2", "m3", "m4"].map {
            RouteProbe(target: "/v1/explain/mine/mix?id=%7B%22id%22%3A%22\($0)%22%7D")
        },
        "traceLineage": ["m1", "m2"].map {
            RouteProbe(target: "/v1/lineage/mine/mix", body: #"{"id":{"id":"\#($0)"},"direction":"both"}"#)
        },
        "createClaim": [
            RouteProbe(target: "/v1/claims", body: #"{"feature":"mine/mix","worker":"w","filter":"nope = 1"}"#),
            RouteProbe(target: "/v1/claims", body: #"{"features":["canary/down","mine/mix"],"worker":"w"}"#),
        ],
        "getGraph": ["", "?feature=mine/mix", "?feature=mine/raw&down=5", "?format=dot", "?project=mine"].map {
            RouteProbe(target: "/v1/graph\($0)")
        },
        "compareVersions": [RouteProbe(target: "/v1/projects/mine/diff?from=latest")],
        "writeRecords": [
            RouteProbe(target: "/v1/records/mine/mix", body: #"{"records":[{"id":"m3"},{"id":"m9"}]}"#),
            RouteProbe(
                target: "/v1/records/mine/mix",
                body: #"{"records":[{"id":"m3","metaxy_provenance_by_field":{"z":"1"}}]}"#),
        ],
        "rebaseRecords": [RouteProbe(target: "/v1/rebase/mine/mix", body: #"{"from":"nope"}"#)],
    ]

    /// All requests of an operation, with every feature, project and claim in its places.
    private static func requests(_ operation: String, _ claims: Claims) throws -> [RouteProbe] {
        let known = try #require(RouteProbe.all[operation], "\(operation) has no probe")
        let features = [
            "mine/raw", "mine/leaf", "mine/mix", "shared/raw", "canary/inner", "canary/leaf", "canary/down",
        ]
        var filled: [RouteProbe] = []
        for probe in known + (probes[operation] ?? []) {
            for (index, feature) in features.enumerated() {
                let claim = index % 2 == 0 ? claims.hidden : claims.own
                let project = index % 2 == 0 ? "canary-project" : "mine"
                func fill(_ text: String) -> String {
                    text.replacing("$f", with: feature).replacing("$p", with: project)
                        .replacing("$c", with: "\(claim.id)").replacing("$t", with: "\(claim.token)")
                }
                filled.append(RouteProbe(target: fill(probe.target), body: probe.body.map(fill)))
                let texts = probe.target + (probe.body ?? "")
                if !texts.contains("$") { break }
            }
        }
        return filled
    }

    /// What an answer shows of the hidden project, without the words that the request itself brought.
    private static func leaks(_ answer: Answer, _ request: RouteProbe) throws -> [String] {
        let word = #/[A-Za-z0-9_\-\/]*canary[A-Za-z0-9_\-\/]*/#.ignoresCase()
        let sent = (request.target + " " + (request.body ?? "")).lowercased()
        let headers = answer.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
        let found = (answer.text + "\n" + headers).matches(of: word).map { String($0.output).lowercased() }
        // The path of the request comes back as the instance of a problem.
        return found.filter { !sent.contains($0) }
    }

    @Test("no answer of any route to a limited token contains one")
    func everyRoute() async throws {
        try await World.with(authorizer: nil) { world in
            let everything = Set(Permission.allCases)
            let admin = [("Authorization", "Bearer \(try await world.token("canary-token", everything))")]
            let limited = [
                ("Authorization", "Bearer \(try await world.token("limited", everything, projects: ["mine"]))")
            ]
            let claims = try await Self.fill(world, admin)
            var answers = 0
            for route in Routes.table where route.scope != nil && !route.isGlobal {
                for request in try Self.requests(route.operation, claims) {
                    for accept in ["application/json", "application/x-ndjson"] {
                        let type = request.body == nil ? [] : [("Content-Type", "application/json")]
                        let answer = try await world.send(
                            route.method.name, request.target,
                            headers: limited + type + [("Accept", "\(accept), */*;q=0.1")],
                            body: request.body.map { Array($0.utf8) })
                        answers += 1
                        #expect(answer.status < 500, "\(route.operation) \(request.target): \(answer.text)")
                        #expect(
                            try Self.leaks(answer, request) == [],
                            "\(route.operation) \(request.target) \(request.body ?? ""): \(answer.text)")
                    }
                }
            }
            #expect(answers > 200)
            // The same requests show canaries to a token that sees everything: they are there to be found.
            #expect(try await world.get("/v1/records/shared/raw", headers: admin).text.contains(Self.mark))
        }
    }

    @Test("explain names a hidden upstream as the cause, without its fields, versions or entries")
    func explain() async throws {
        try await World.with(authorizer: nil) { world in
            let everything = Set(Permission.allCases)
            let admin = [("Authorization", "Bearer \(try await world.token("canary-token", everything))")]
            let limited = [
                ("Authorization", "Bearer \(try await world.token("limited", everything, projects: ["mine"]))")
            ]
            _ = try await Self.fill(world, admin)
            let target = "/v1/explain/mine/mix?id=%7B%22id%22%3A%22m1%22%7D"
            let whole = try await world.get(target, headers: admin).json["fields"]?["z"]?["causes"]?.arrayValue
            #expect(whole?.first?["from"]?.stringValue == "canary-version-1")
            #expect(whole?.first?["to"]?.stringValue == "canary-version-2")
            let answer = try await world.get(target, headers: limited)
            let causes = try #require(try answer.json["fields"]?["z"]?["causes"]?.arrayValue)
            #expect(causes.count == 1)
            #expect(causes.first?["kind"]?.stringValue == "upstream")
            #expect(causes.first?["feature"]?.stringValue == "shared/raw")
            for member in ["field", "from", "to", "entry"] {
                #expect(causes.first?[member]?.kind == .null, "\(member)")
            }
        }
    }
}
