// What a scrape tells: of features, of what was done to them, of the database, and to whom.

import Feature
import HTTP
import Service
import Testing

@testable import API

@Suite("RequestTimings")
struct MetricsTests {
    private static let faces = #"project="demo",feature="video/faces""#
    private static let raw = #"project="demo",feature="video/raw""#

    @Test("what is to be done for a feature, and what was done and not done for it, is told by feature")
    func work() async throws {
        try await World.with { world in
            try await world.prepare()
            _ = try await world.postLines("/v1/records/video/raw", Graphs.rows)
            let claim = try await world.claim()
            let results = #"{"token":\#(claim.token),"records":[{"video_id":"v1"}]}"#
            #expect(try await world.post("/v1/claims/\(claim.id)/complete", results).status == 200)
            let failed = #"{"token":\#(claim.token),"error":"no","retryable":false,"records":[{"video_id":"v2"}]}"#
            #expect(try await world.post("/v1/claims/\(claim.id)/fail", failed).status == 200)
            let moved = Graphs.rows.split(separator: "\n")[0].replacing(#""a1""#, with: #""a1-again""#)
            _ = try await world.postLines("/v1/records/video/raw", String(moved))
            try await Self.expect(
                world,
                [
                    "metaxy_records{\(Self.raw)} 2", "metaxy_records{\(Self.faces)} 1",
                    "metaxy_units_pending{\(Self.faces)} 0", "metaxy_units_claimed{\(Self.faces)} 0",
                    "metaxy_units_blocked{\(Self.faces)} 0", "metaxy_units_failing{\(Self.faces)} 0",
                    "metaxy_units_quarantined{\(Self.faces)} 1", "metaxy_oldest_pending_age_seconds{\(Self.faces)} 0",
                    #"metaxy_records_written_total{\#(Self.raw),outcome="new"} 2"#,
                    #"metaxy_records_written_total{\#(Self.raw),outcome="unchanged"} 2"#,
                    #"metaxy_records_written_total{\#(Self.raw),outcome="changed"} 1"#,
                    "metaxy_records_computed_total{\(Self.faces)} 1", "metaxy_records_failed_total{\(Self.faces)} 1",
                    #"metaxy_records_skipped_total{\#(Self.faces),reason="unused_fields"} 1"#,
                    "metaxy_claims_created_total{\(Self.faces)} 1", "metaxy_claims_expired_total{\(Self.faces)} 0",
                    "metaxy_database_up 1", "metaxy_database_standbys 0",
                ])
        }
    }

    @Test("a change that is taken back is work that nobody did, and a lost lease is counted")
    func skipped() async throws {
        try await World.with { world in
            try await world.prepare()
            let first = try await world.claim()
            let results = #"{"token":\#(first.token),"records":[{"video_id":"v1"},{"video_id":"v2"}]}"#
            #expect(try await world.post("/v1/claims/\(first.id)/complete", results).status == 200)
            let row = String(Graphs.rows.split(separator: "\n")[0])
            _ = try await world.postLines("/v1/records/video/raw", row.replacing(#""f1""#, with: #""f1-again""#))
            _ = try await world.postLines("/v1/records/video/raw", row)
            let nothing = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"gpu-7"}"#)
            #expect(nothing.status == 204)
            _ = try await world.postLines("/v1/records/video/raw", row.replacing(#""f1""#, with: #""f1-cut""#))
            _ = try await world.claim()
            try await world.script("UPDATE claim SET lease_until = now() - interval '1 s' WHERE state = 0")
            try await world.metaxy.claims.expire()
            try await Self.expect(
                world,
                [
                    #"metaxy_records_skipped_total{\#(Self.faces),reason="as_expected"} 1"#,
                    "metaxy_claims_created_total{\(Self.faces)} 2", "metaxy_claims_expired_total{\(Self.faces)} 1",
                    "metaxy_units_pending{\(Self.faces)} 1",
                ])
        }
    }

    @Test("tables are told by the name of their parent, however many features there are")
    func tables() async throws {
        try await World.with { world in
            try await world.prepare()
            let text = try await world.get("/metrics").text
            for table in ["lineage", "head", "record", "work", "claim"] {
                #expect(text.contains("metaxy_table_bytes{table=\"\(table)\"} "))
                #expect(text.contains("metaxy_table_dead_rows{table=\"\(table)\"} "))
            }
            #expect(!text.contains("lineage_1"))
        }
    }

    @Test("every family has its help and type before its samples, and comes once")
    func form() async throws {
        try await World.with { world in
            try await world.prepare()
            let lines = try await world.get("/metrics").text.split(separator: "\n")
            let families = lines.filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
            #expect(Set(families).count == families.count)
            let helped = lines.filter { $0.hasPrefix("# HELP ") }.map { String($0.split(separator: " ")[2]) }
            #expect(families == helped)
            var family = ""
            for line in lines {
                if line.hasPrefix("# TYPE ") { family = String(line.split(separator: " ")[2]) }
                #expect(line.hasPrefix("#") || line.hasPrefix(family), "\(line)")
            }
        }
    }

    @Test("without a database a scrape tells of the process, and that the database is away")
    func withoutDatabase() async throws {
        let text = try await World.withoutDatabase().get("/metrics").text
        #expect(text.contains("metaxy_database_up 0\n"))
        #expect(text.contains("metaxy_pool_connections_max 1\n"))
        #expect(!text.contains("metaxy_table_bytes"))
    }

    @Test("beyond a thousand features the others are told together")
    func bounded() throws {
        let done = try (0..<1_500).map { index in
            DoneFigures(
                key: try #require(FeatureKey("f\(10_000 + index)")), project: "p", counts: [.computed: 2])
        }
        var page = MetricsPage()
        page.done(done)
        let computed = page.text.split(separator: "\n").filter { $0.hasPrefix("metaxy_records_computed_total{") }
        #expect(computed.count == 1_001)
        #expect(computed.last == #"metaxy_records_computed_total{project="",feature=""} 1000"#)
    }

    @Test("health and metrics of their own address ask nobody for a token, and there is nothing else")
    func administration() async throws {
        let closed = Authorizer { (_) throws(Authorizer.Refusal) in throw .unauthorized("No.") }
        try await World.with(authorizer: closed) { world in
            try expectProblem(try await world.get("/metrics"), 401, "unauthorized")
            for (target, status) in [
                ("/metrics", 200), ("/readyz?verbose", 200), ("/livez?verbose", 200), ("/healthz", 200),
                ("/v1/status", 404), ("/v1/projects", 404), ("/openapi.yaml", 404),
            ] as [(String, UInt16)] {
                let body = RequestBody(declaredLength: 0) { () async throws(BodyError) in nil }
                let request = Request(head: try World.head("GET", target), body: body, remote: "local")
                let answer = await Answer(await world.api.administration.respond(request))
                #expect(answer.status == status, "\(target)")
            }
        }
    }

    private static func expect(_ world: World, _ wanted: [String]) async throws {
        let lines = Set(try await world.get("/metrics").text.split(separator: "\n").map(String.init))
        for line in wanted {
            let name = line.prefix { $0 != " " && $0 != "{" }
            #expect(lines.contains(line), "\(lines.filter { $0.hasPrefix(name + "{") }.sorted())")
        }
    }
}
