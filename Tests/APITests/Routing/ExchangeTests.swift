// What every exchange has: ids, methods, callers, health and metrics.

import API
import HTTP
import JSON
import Service
import Testing

@Suite("Exchanges")
struct ExchangeTests {
    @Test(
        "a sane request id is taken over, any other is replaced",
        arguments: [
            ("abc-123", "abc-123"), ("a b", "000000000000abcd000000000000abcd"),
            (String(repeating: "x", count: 129), "000000000000abcd000000000000abcd"),
        ])
    func requestID(_ given: String, _ answered: String) async throws {
        let world = World.withoutDatabase()
        let answer = try await world.get("/livez", headers: [("X-Request-Id", given)])
        #expect(answer.headers["X-Request-Id"] == answered)
    }

    @Test(
        "a trace is passed on to events, unless it is broken",
        arguments: [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false), ("00-abc-def-01", false),
        ])
    func trace(_ traceparent: String, _ isValid: Bool) async throws {
        let world = World.withoutDatabase()
        _ = try await world.get("/livez", headers: [("traceparent", traceparent)])
        guard case .answered(let exchange)? = world.events.all.last else {
            Issue.record("no event")
            return
        }
        #expect(exchange.traceparent == (isValid ? traceparent : nil))
        #expect(exchange.route == "/livez")
        #expect(exchange.status == 200)
        #expect(exchange.remote == "192.0.2.7:51234")
        #expect(exchange.duration == .milliseconds(1))
    }

    @Test("OPTIONS lists the methods of a path, and HEAD works where GET does")
    func methods() async throws {
        try await World.with { world in
            try await world.prepare()
            let options = try await world.send("OPTIONS", "/v1/records/video/raw")
            #expect(options.status == 204)
            #expect(options.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST")
            let retry = try await world.send("OPTIONS", "/v1/failures/video/raw/retry")
            #expect(retry.headers["Allow"] == "OPTIONS, POST")
            #expect(try await world.send("OPTIONS", "*").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST, PUT")
            let head = try await world.send("HEAD", "/v1/features/video/raw")
            #expect(head.status == 200)
            #expect(head.headers["ETag"] != nil)
            let refused = try await world.send("DELETE", "/v1/push")
            try expectProblem(refused, 405, "method_not_allowed")
            #expect(refused.headers["Allow"] == "OPTIONS, POST")
        }
    }

    @Test(
        "every route that needs a scope asks for it before it reads anything",
        arguments: [
            ("POST", "/v1/push", "write"), ("GET", "/v1/projects", "read"), ("POST", "/v1/claims", "work"),
            ("POST", "/v1/admin/verify", "admin"), ("GET", "/metrics", "read"), ("PUT", "/v1/projects/demo", "admin"),
        ])
    func scopes(_ method: String, _ target: String, _ scope: String) async throws {
        let others = Set(Permission.allCases.filter { $0.rawValue != scope })
        let authorizer = Authorizer { (head) async throws(Authorizer.Refusal) in
            switch head.headers["Authorization"] {
            case "Bearer known": return Caller(name: "ci", scopes: others)
            case "Bearer later": throw .unavailable("the table of tokens is locked")
            default: throw .unauthorized("The token is missing or unknown.")
            }
        }
        try await World.with(authorizer: authorizer) { world in
            let unknown = try await world.send(method, target)
            try expectProblem(unknown, 401, "unauthorized")
            #expect(unknown.headers["WWW-Authenticate"] == "Bearer realm=\"metaxy\"")
            let known = try await world.send(method, target, headers: [("Authorization", "Bearer known")])
            try expectProblem(known, 403, "forbidden")
            let later = try await world.send(method, target, headers: [("Authorization", "Bearer later")])
            try expectProblem(later, 503, "unavailable")
            #expect(!later.text.contains("locked"))
            #expect(try await world.get("/livez").status == 200)
            #expect(try await world.send("OPTIONS", target).status == 204)
        }
    }

    @Test("without a database the process is alive and not ready, and says no more than it must")
    func withoutDatabase() async throws {
        let world = World.withoutDatabase()
        #expect(try await world.get("/livez?verbose").text == "[+] process: ok\nlivez check passed\n")
        let ready = try await world.get("/readyz")
        try expectProblem(ready, 503, "not_ready")
        #expect(ready.headers["Retry-After"] == "1")
        let projects = try await world.get("/v1/projects")
        try expectProblem(projects, 503, "unavailable")
        #expect(projects.headers["Retry-After"] == "1")
        #expect(!projects.text.contains("nowhere"))
        let causes = world.events.all.compactMap { event -> String? in
            if case .failed(_, _, let cause) = event { cause } else { nil }
        }
        #expect(causes.contains { $0.contains("poolExhausted") || $0.contains("connectFailed") }, "\(causes)")
    }

    @Test("a failure of the server shows its request id and keeps its reason for the log")
    func internalFailure() async throws {
        try await World.with { world in
            try await world.prepare()
            try await world.script("ALTER TABLE push RENAME TO pushed")
            let answer = try await world.get("/v1/projects/demo/versions", headers: [("X-Request-Id", "r-1")])
            try expectProblem(answer, 500, "internal")
            #expect(try answer.json["request_id"]?.stringValue == "r-1")
            #expect(!answer.text.contains("relation"))
            let isLogged = world.events.all.contains { event in
                if case .failed("r-1", _, let cause) = event { cause.contains("relation") } else { false }
            }
            #expect(isLogged)
        }
    }

    @Test("a server that is stopping is not ready")
    func draining() async throws {
        try await World.with { world in
            #expect(try await world.get("/readyz").status == 200)
            #expect(try await world.get("/healthz?verbose").text.hasSuffix("readyz check passed\n"))
            world.metaxy.drain()
            try expectProblem(try await world.get("/readyz"), 503, "not_ready")
        }
    }

    @Test("metrics count requests by route, method and status")
    func metrics() async throws {
        try await World.with { world in
            _ = try await world.get("/v1/projects")
            _ = try await world.get("/v1/projects")
            _ = try await world.get("/no/such/\"path\"".replacing("\"", with: "%22"))
            _ = try await world.send("BREW", "/v1/push")
            let text = try await world.get("/metrics").text
            let name = "http_server_request_duration_seconds"
            #expect(text.contains("# TYPE \(name) histogram\n"))
            #expect(text.contains("\(name)_count{method=\"GET\",route=\"/v1/projects\",status=\"200\"} 2\n"))
            #expect(
                text.contains("\(name)_bucket{method=\"GET\",route=\"/v1/projects\",status=\"200\",le=\"+Inf\"} 2\n"))
            #expect(text.contains("\(name)_count{method=\"GET\",route=\"unmatched\",status=\"404\"} 1\n"))
            #expect(text.contains("\(name)_count{method=\"other\",route=\"unmatched\",status=\"405\"} 1\n"))
            #expect(text.contains("http_server_requests_in_flight 1\n"))
            #expect(text.contains("metaxy_pool_connections_max 4\n"))
            #expect(text.contains("metaxy_build_info{version=\"1.2.3\"} 1\n"))
            let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(samples.allSatisfy { Double($0.split(separator: " ").last ?? "") != nil })
        }
    }

    @Test(
        "what the HTTP layer refuses is a problem too",
        arguments: [
            (400, "bad_request"), (408, "request_timeout"), (413, "content_too_large"), (414, "uri_too_long"),
            (417, "expectation_failed"), (431, "header_too_large"), (501, "not_implemented"), (503, "unavailable"),
            (505, "version_not_supported"),
        ] as [(UInt16, String)])
    func refusal(_ status: UInt16, _ code: String) async throws {
        let answer = await Answer(World.withoutDatabase().api.refusal(Status(status), "No."))
        try expectProblem(answer, status, code)
        #expect(try answer.json["detail"]?.stringValue == "No.")
    }

    @Test("the fast path answers /livez alone, as the handler does")
    func fastPath() async throws {
        let world = World.withoutDatabase()
        let slow = try await world.get("/livez")
        let response = try #require(world.api.fastPath(try World.head("GET", "/livez")))
        #expect(await Answer(response).bytes == slow.bytes)
        var head: [UInt8] = []
        ResponseEncoder.appendHead(of: response, framing: .none, closes: false, date: [], to: &head)
        let text = String(decoding: head, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let fields = slow.headers.map { "\($0.name): \($0.value)" }
        #expect(lines.map(String.init) == ["HTTP/1.1 200 OK"] + fields + ["", ""])
        for target in ["/readyz", "/livez?verbose", "/"] {
            #expect(world.api.fastPath(try World.head("GET", target)) == nil)
        }
        #expect(world.api.fastPath(try World.head("POST", "/livez")) == nil)
    }
}
