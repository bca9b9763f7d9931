// Who gets in, and who may do what: by the route table, so that no route is forgotten.

import HTTP
import JSON
import Service
import Testing

@testable import API

@Suite("Access")
struct AccessTests {
    /// Sends a request to a route, with whatever stands for the names in its template.
    private static func send(_ world: World, _ route: Route, secret: String?) async throws -> Answer {
        let target = route.template.parts.map { part in
            switch part {
            case .literal(let text): "/" + text
            case .one, .many: "/1"
            }
        }.joined()
        let credentials = secret.map { [("Authorization", "Bearer \($0)")] } ?? []
        return try await world.send(route.method.name, target, headers: credentials)
    }

    @Test("every route but health and the contract asks for a token")
    func open() {
        let open = Routes.table.filter { $0.scope == nil }.map(\.template.text)
        #expect(open == ["/livez", "/readyz", "/healthz", "/openapi.yaml", "/openapi.json"])
    }

    @Test("without a token, with an unknown and with a broken one each route answers 401 and says how to authenticate")
    func unauthorized() async throws {
        try await World.with(authorizer: nil) { world in
            let unknown = TokenSecret().text
            for route in Routes.table where route.scope != nil {
                for secret in [nil, unknown, "x", ""] {
                    let answer = try await Self.send(world, route, secret: secret)
                    #expect(answer.status == 401, "\(route.operation)")
                    #expect(answer.headers["WWW-Authenticate"] == "Bearer realm=\"metaxy\"", "\(route.operation)")
                }
            }
        }
    }

    @Test("a token with every scope but the one that is needed gets 403 on each route")
    func forbidden() async throws {
        try await World.with(authorizer: nil) { world in
            var secrets: [Permission: String] = [:]
            for scope in Permission.allCases {
                let others = Set(Permission.allCases).subtracting([scope])
                secrets[scope] = try await world.token("not-\(scope.rawValue)", others)
            }
            for route in Routes.table {
                guard let scope = route.scope else { continue }
                let answer = try await Self.send(world, route, secret: secrets[scope])
                #expect(answer.status == 403, "\(route.operation)")
                #expect(try answer.code == "forbidden", "\(route.operation)")
                let challenge = answer.headers["WWW-Authenticate"] ?? ""
                #expect(challenge.contains("scope=\"\(scope.rawValue)\""), "\(route.operation)")
            }
        }
    }

    @Test("who may not do something is refused before the body is read")
    func beforeTheBody() async throws {
        try await World.with(authorizer: nil) { world in
            let reader = try await world.token("reader", [.read])
            for (secret, status) in [(TokenSecret().text, 401), (reader, 403)] as [(String, UInt16)] {
                let head = try World.head("POST", "/v1/push", headers: [("Authorization", "Bearer \(secret)")])
                let body = RequestBody(declaredLength: 10) { () async throws(BodyError) in
                    Issue.record("the body was read")
                    return nil
                }
                let response = await world.api.respond(Request(head: head, body: body, remote: "192.0.2.7:1"))
                #expect(response.status.code == status)
            }
        }
    }

    @Test(
        "credentials come as Bearer in a header field, and in no other way",
        arguments: [
            ("Bearer $", 200), ("bearer $", 200), ("BEARER $", 200), ("Bearer  $", 401), ("Basic $", 401), ("$", 401),
            ("Bearer", 401), ("Bearer $,Bearer $", 401), ("Bearer $ ", 200), ("Bearer $x", 401),
        ] as [(String, UInt16)])
    func forms(_ form: String, _ status: UInt16) async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("reader", [.read])
            let field = form.replacing("$", with: secret)
            #expect(try await world.get("/v1/projects", headers: [("Authorization", field)]).status == status)
            let inURL = try await world.get("/v1/projects?access_token=\(secret)&token=\(secret)")
            #expect(inURL.status == 401)
        }
    }

    @Test("a token is made with its secret shown once, does what its scopes say, and is revoked at once")
    func life() async throws {
        try await World.with(authorizer: nil) { world in
            let admin = [("Authorization", "Bearer \(try await world.token("root", [.admin]))")]
            let ask = #"{"name":"ci","scopes":["read","work"],"projects":["p"],"expires_in_seconds":60}"#
            let made = try await world.post("/v1/admin/tokens", ask, headers: admin)
            #expect(made.status == 201)
            let secret = try #require(made.json["secret"]?.stringValue)
            #expect(secret.hasPrefix("mtx_") && secret.utf8.count == 47)
            #expect(try made.json["created_by"]?.stringValue == "root")
            #expect(try made.json["expires_at"]?.stringValue != nil)
            let own = [("Authorization", "Bearer \(secret)")]
            #expect(try await world.get("/v1/features", headers: own).status == 200)
            #expect(try await world.post("/v1/push", "{}", headers: own).status == 403)
            #expect(try await world.post("/v1/admin/tokens", ask, headers: admin).status == 409)
            let list = try await world.get("/v1/admin/tokens", headers: admin)
            #expect(!list.text.contains(secret) && !list.text.contains("mtx_"))
            #expect(try list.json["tokens"]?.arrayValue?.count == 2)
            #expect(try await world.send("DELETE", "/v1/admin/tokens/ci", headers: admin).status == 204)
            #expect(try await world.get("/v1/features", headers: own).status == 401)
            #expect(try await world.send("DELETE", "/v1/admin/tokens/ci", headers: admin).status == 204)
            #expect(try await world.send("DELETE", "/v1/admin/tokens/none", headers: admin).status == 404)
            let rotate = try await world.send("POST", "/v1/admin/tokens/ci/rotate", headers: admin)
            #expect(rotate.status == 409)
            #expect(try await world.post("/v1/admin/tokens", ask, headers: admin).status == 409)
        }
    }

    @Test("a rotation gives a second secret; the first is good until the grace is over")
    func rotation() async throws {
        try await World.with(authorizer: nil) { world in
            let first = try await world.token("root", [.admin, .read])
            func status(_ secret: String) async throws -> UInt16 {
                try await world.get("/v1/projects", headers: [("Authorization", "Bearer \(secret)")]).status
            }
            let rotated = try await world.post(
                "/v1/admin/tokens/root/rotate", #"{"grace_seconds":600}"#,
                headers: [("Authorization", "Bearer \(first)")])
            #expect(rotated.status == 201)
            #expect(try rotated.json["secrets"]?.number == 2)
            let second = try #require(rotated.json["secret"]?.stringValue)
            #expect(try await status(first) == 200)
            #expect(try await status(second) == 200)
            let again = try await world.post(
                "/v1/admin/tokens/root/rotate", #"{"grace_seconds":0}"#,
                headers: [("Authorization", "Bearer \(second)")])
            let third = try #require(again.json["secret"]?.stringValue)
            #expect(try again.json["secrets"]?.number == 1)
            #expect(try await status(first) == 401)
            #expect(try await status(second) == 401)
            #expect(try await status(third) == 200)
        }
    }

    @Test("a secret that has expired is refused, and none can be read from the database")
    func expiry() async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("short", [.read])
            #expect(try await world.metaxy.tokens.identify(secret)?.name == "short")
            try await world.script("UPDATE api_token_secret SET expires_at = now() - interval '1 second'")
            // Another process, which remembers nothing.
            let other = Metaxy(pool: world.pool, random: { 0.5 })
            #expect(try await other.tokens.identify(secret) == nil)
            let stored = try await world.text(
                "SELECT string_agg(t::text || s::text, '') FROM api_token t, api_token_secret s")
            #expect(!stored.contains(secret) && !stored.contains(secret.dropFirst(4)))
        }
    }

    @Test("an answer that has a secret is not kept, whatever key comes with the request")
    func secretsAreNotKept() async throws {
        try await World.with { world in
            let key = [("Idempotency-Key", "once")]
            let body = #"{"name":"ci","scopes":["read"]}"#
            #expect(try await world.post("/v1/admin/tokens", body, headers: key).status == 201)
            #expect(try await world.post("/v1/admin/tokens", body, headers: key).status == 409)
            _ = try await world.send("POST", "/v1/admin/tokens/ci/rotate", headers: key)
            #expect(try await world.text("SELECT count(*)::text FROM answer") == "0")
        }
    }

    @Test("no answer lets a page of another origin read it", arguments: ["OPTIONS", "GET", "POST"])
    func otherOrigins(_ method: String) async throws {
        try await World.with { world in
            let headers = [
                ("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "authorization"),
            ]
            let answer = try await world.send(method, "/v1/push", headers: headers)
            for name in ["Access-Control-Allow-Origin", "Access-Control-Allow-Headers"] as [FieldName] {
                #expect(answer.headers[name] == nil)
            }
        }
    }

    @Test("bad requests for tokens are refused, each with its place")
    func badRequests() async throws {
        try await World.with { world in
            let bad = [
                #"{"name":"","scopes":["read"]}"#, #"{"name":"a/b","scopes":["read"]}"#, #"{"scopes":["read"]}"#,
                #"{"name":"a"}"#, #"{"name":"a","scopes":[]}"#, #"{"name":"a","scopes":["root"]}"#,
                #"{"name":"a","scopes":["read"],"projects":[]}"#, #"{"name":"a","scopes":["read"],"projects":["a/b"]}"#,
                #"{"name":"a","scopes":["read"],"expires_in_seconds":0}"#,
                #"{"name":"a","scopes":["read"],"secret":"x"}"#,
            ]
            for body in bad {
                #expect(try await world.post("/v1/admin/tokens", body).status == 422, "\(body)")
            }
            let rotation = try await world.post("/v1/admin/tokens/a/rotate", #"{"grace_seconds":-1}"#)
            #expect(rotation.status == 422)
        }
    }

    @Test("while the database is away, a token cannot be checked: 503, and not 401")
    func unavailable() async throws {
        let world = World.withoutDatabase(authorizer: nil)
        let answer = try await world.get("/v1/projects", headers: [("Authorization", "Bearer \(TokenSecret().text)")])
        #expect(answer.status == 503)
        #expect(answer.headers["Retry-After"] != nil)
    }

    @Test("lineage has the name of the token that wrote")
    func writer() async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("loader", [.write])
            let credentials = [("Authorization", "Bearer \(secret)")]
            #expect(try await world.post("/v1/push", Graphs.push, headers: credentials).status == 201)
            let row = #"{"records":[{"video_id":"v9","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            #expect(try await world.post("/v1/records/video/raw", row, headers: credentials).status == 200)
            #expect(try await world.text("SELECT string_agg(DISTINCT token_name, ',') FROM operation") == "loader")
        }
    }
}
