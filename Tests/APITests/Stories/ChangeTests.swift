// The log of changes: who did what, and the feed.

import Dispatch
import JSON
import Postgres
import Service
import Store
import Testing

@testable import API

@Suite("Changes")
struct ChangeTests {
    /// The kinds of all changes so far, oldest first.
    static func kinds(_ world: World) async throws -> [String] {
        let audit = try await world.get("/v1/admin/audit?limit=1000")
        return (try audit.json["changes"]?.arrayValue ?? []).reversed().compactMap { $0["kind"]?.stringValue }
    }

    /// Waits until the feed has all that was committed: transactions of other databases of the cluster hold it up too.
    static func settle(_ world: World) async throws {
        let isComplete = """
            SELECT coalesce(max(o.position) < min(r.feed_base) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                            true)::text
            FROM registry r LEFT JOIN operation o ON true
            """
        while try await world.text(isComplete) != "true" {}
    }

    static func events(_ world: World, _ query: String) async throws -> (events: [JSONValue], next: String) {
        let answer = try await world.get("/v1/events?\(query)")
        return (try answer.json["events"]?.arrayValue ?? [], try #require(answer.json["next"]?.stringValue))
    }

    /// Makes a change of each kind that a request can make.
    static func changeEverything(_ world: World, _ headers: [(String, String)]) async throws {
        func post(_ target: String, _ body: String, _ status: UInt16) async throws -> JSONValue {
            let answer = try await world.post(target, body, headers: headers)
            #expect(answer.status == status, "\(target): \(answer.text)")
            return try answer.json
        }
        let type = [("Content-Type", "application/json")]
        _ = try await world.send("PUT", "/v1/projects/demo", headers: headers + type, body: Array("{}".utf8))
        _ = try await post("/v1/push", Graphs.push, 201)
        let rows = #"""
            {"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}},
            {"video_id":"v2","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}
            """#
        _ = try await post("/v1/records/video/raw", rows, 200)
        let ask = #"{"feature":"video/faces","worker":"w","limit":1}"#
        let first = try await post("/v1/claims", ask, 201)
        let row = try #require(first["records"]?.arrayValue?.first?["video_id"]?.stringValue)
        let token = try #require(first["token"]?.number), id = try #require(first["claim_id"]?.number)
        _ = try await post(
            "/v1/claims/\(id)/complete", #"{"token":\#(token),"records":[{"video_id":"\#(row)"}]}"#, 200)
        let second = try await post("/v1/claims", ask, 201)
        let other = try #require(second["claim_id"]?.number), fence = try #require(second["token"]?.number)
        _ = try await post("/v1/claims/\(other)/fail", #"{"token":\#(fence),"error":"e","retryable":false}"#, 200)
        _ = try await post("/v1/failures/video/faces/retry", "{}", 200)
        _ = try await world.send("DELETE", "/v1/records/video/raw?filter=video_id%20%3D%20'v2'", headers: headers)
        _ = try await post("/v1/restore/video/raw", #"{"filter":"video_id = 'v2'"}"#, 200)
        _ = try await world.send(
            "DELETE", "/v1/records/video/raw?hard=true&filter=video_id%20%3D%20'v2'", headers: headers)
        _ = try await post("/v1/admin/tokens", #"{"name":"x","scopes":["read"]}"#, 201)
        _ = try await post("/v1/admin/tokens/x/rotate", "{}", 201)
        _ = try await world.send("DELETE", "/v1/admin/tokens/x", headers: headers)
    }

    @Test("every change is in the audit, with who made it and under which request; leases and refusals are not")
    func audit() async throws {
        try await World.with(authorizer: nil) { world in
            let secret = try await world.token("ops", Set(Permission.allCases))
            let headers = [("Authorization", "Bearer \(secret)"), ("X-Request-Id", "request-7")]
            try await Self.changeEverything(world, headers)
            let answer = try await world.get("/v1/admin/audit?limit=1000", headers: headers)
            let changes = try #require(answer.json["changes"]?.arrayValue)
            let kinds = changes.reversed().compactMap { $0["kind"]?.stringValue }
            #expect(
                kinds == [
                    "token_created", "project_configured", "pushed", "records_written", "claim_completed",
                    "claim_failed", "failures_retried", "records_deleted", "records_restored", "records_erased",
                    "token_created", "token_rotated", "token_revoked",
                ])
            for change in changes.dropLast() {
                #expect(change["token"]?.stringValue == "ops")
                #expect(change["request_id"]?.stringValue == "request-7")
            }
            #expect(!answer.text.contains("mtx_"))
            let written = try #require(changes.first { $0["kind"]?.stringValue == "records_written" })
            #expect(written["detail"]?["new"]?.number == 2)
            #expect(written["feature"]?.stringValue == "video/raw")
            let completed = try #require(changes.first { $0["kind"]?.stringValue == "claim_completed" })
            #expect(completed["worker"]?.stringValue == "w" && completed["claim_id"]?.number != nil)
            // Refused requests change nothing and are not noted.
            let bad = try await world.post(
                "/v1/records/video/raw", #"{"records":[{"video_id":"v1"}]}"#, headers: headers)
            #expect(bad.status == 422)
            let again = try await world.get("/v1/admin/audit?limit=1000", headers: headers)
            #expect(again.text == answer.text)
        }
    }

    @Test("the audit pages, newest first")
    func paging() async throws {
        try await World.with { world in
            try await Self.changeEverything(world, [])
            let all = try await Self.kinds(world)
            var paged: [String] = []
            var cursor: String? = ""
            while let next = cursor {
                let page = try await world.get("/v1/admin/audit?limit=3" + (next.isEmpty ? "" : "&cursor=\(next)"))
                paged += (try page.json["changes"]?.arrayValue ?? []).compactMap { $0["kind"]?.stringValue }
                cursor = try page.json["next_cursor"]?.stringValue
            }
            #expect(paged.reversed() == all)
        }
    }

    @Test(
        "nobody changes the audit, nor takes anything out of it",
        arguments: [
            "DELETE FROM operation", "TRUNCATE operation", "UPDATE operation SET token_name = 'somebody else'",
            "UPDATE operation SET detail = NULL", "UPDATE operation SET detail = '{}'",
            "UPDATE operation SET at = now()",
        ])
    func appendOnly(_ sql: String) async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            await #expect(throws: PostgresError.self) { try await world.script(sql) }
        }
    }

    @Test("the feed tells each change once and in order, whatever the size of its parts; tokens are not in it")
    func feed() async throws {
        try await World.with { world in
            try await Self.changeEverything(world, [])
            let hidden: Set = ["token_created", "token_rotated", "token_revoked"]
            try await Self.settle(world)
            let all = try await Self.kinds(world).filter { !hidden.contains($0) }
            for limit in [1, 2, 1_000] {
                var told: [String] = []
                var after = ""
                while true {
                    let part = try await Self.events(world, "limit=\(limit)" + (after.isEmpty ? "" : "&after=\(after)"))
                    told += part.events.compactMap { $0["kind"]?.stringValue }
                    after = part.next
                    if part.events.isEmpty { break }
                }
                #expect(told == all)
            }
            #expect(try await Self.events(world, "after=latest").events.isEmpty)
            #expect(try await world.get("/v1/events?after=x").code == "invalid_cursor")
        }
    }

    @Test("a write that changes nothing is not told")
    func unchanged() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let rows = #"{"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            for _ in 0..<2 { #expect(try await world.post("/v1/records/video/raw", rows).status == 200) }
            try await Self.settle(world)
            let told = try await Self.events(world, "").events.compactMap { $0["kind"]?.stringValue }
            #expect(told == ["pushed", "records_written"])
        }
    }

    @Test("a change that commits late is not skipped, and what came after it waits for it")
    func inFlight() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            try await Self.settle(world)
            let start = try await Self.events(world, "after=latest").next
            let begun = AsyncStream<Void>.makeStream()
            let mayEnd = DispatchSemaphore(value: 0)
            let pool = world.pool
            async let late: Void = pool.transaction { (connection) throws(StoreError) in
                let writer = Writer(token: "late")
                try ChangeLog(connection).begin(writer, LoggedChange(.pushed, detail: Array("{}".utf8)))
                begun.continuation.yield()
                // The thread is the session's own.
                mayEnd.wait()
            }
            for await _ in begun.stream { break }
            let rows = #"{"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            #expect(try await world.post("/v1/records/video/raw", rows).status == 200)
            let before = try await Self.events(world, "after=\(start)")
            #expect(before.events.isEmpty)
            mayEnd.signal()
            try await late
            try await Self.settle(world)
            let after = try await Self.events(world, "after=\(before.next)")
            #expect(after.events.map { $0["token"]?.stringValue } == ["late", nil])
            #expect(after.events.compactMap { $0["kind"]?.stringValue } == ["pushed", "records_written"])
        }
    }

    @Test("who waits is answered when something changes, and at once when the server stops")
    func waits() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            try await Self.settle(world)
            let start = try await Self.events(world, "after=latest").next
            async let waiting = Self.events(world, "after=\(start)&wait_seconds=60")
            while world.metaxy.operations.load.waitingReaders == 0 { await Task.yield() }
            let rows = #"{"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            #expect(try await world.post("/v1/records/video/raw", rows).status == 200)
            try await Self.settle(world)
            try await world.metaxy.history.followChanges()
            let told = try await waiting
            #expect(told.events.compactMap { $0["kind"]?.stringValue } == ["records_written"])
            async let last = Self.events(world, "after=\(told.next)&wait_seconds=60")
            while world.metaxy.operations.load.waitingReaders == 0 { await Task.yield() }
            world.metaxy.drain()
            #expect(try await last.events.isEmpty)
        }
    }

    @Test("who waits here is told of what another process changes")
    func waitsForOthers() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            try await world.metaxy.history.followChanges()
            try await Self.settle(world)
            let start = try await Self.events(world, "after=latest").next
            async let waiting = Self.events(world, "after=\(start)&wait_seconds=60")
            while world.metaxy.operations.load.waitingReaders == 0 { await Task.yield() }
            let other = Metaxy(pool: world.pool, random: { 0.5 })
            _ = try await other.graph.configure(project: "other", algorithm: nil, truncation: nil)
            try await Self.settle(world)
            try await world.metaxy.history.followChanges()
            #expect(try await waiting.events.compactMap { $0["kind"]?.stringValue } == ["project_configured"])
        }
    }

    @Test("a feature is drained, once, when nothing is left to do in it or under way")
    func drained() async throws {
        try await World.with { world in
            _ = try await world.post("/v1/push", Graphs.push)
            let rows = #"""
                {"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}},
                {"video_id":"v2","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}
                """#
            _ = try await world.post("/v1/records/video/raw", rows)
            func drains() async throws -> Int {
                try await Self.settle(world)
                try await world.metaxy.history.followChanges()
                return try await Self.kinds(world).count { $0 == "drained" }
            }
            #expect(try await drains() == 0)
            for expected in [0, 1] {
                let claim = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"w","limit":1}"#)
                let row = try #require(claim.json["records"]?.arrayValue?.first?["video_id"]?.stringValue)
                let token = try #require(claim.json["token"]?.number), id = try #require(claim.json["claim_id"]?.number)
                let report = #"{"token":\#(token),"records":[{"video_id":"\#(row)"}]}"#
                _ = try await world.post("/v1/claims/\(id)/complete", report)
                #expect(try await drains() == expected)
            }
            #expect(try await drains() == 1)
            try await Self.settle(world)
            let last = try await Self.events(world, "").events.last
            #expect(last?["feature"]?.stringValue == "video/faces")
        }
    }

    @Test("the feed goes on in a database that was restored from a dump, where transaction ids begin anew")
    func restored() async throws {
        try await World.with { world in
            try await world.script("UPDATE registry SET feed_base = 1000000000")
            _ = try await world.post("/v1/push", Graphs.push)
            try await Self.settle(world)
            let start = try await Self.events(world, "after=latest").next
            // As a restored database sees what the old one has written.
            try await world.script("UPDATE registry SET feed_base = 0")
            try await world.pool.transaction { (connection) throws(StoreError) in try ChangeLog(connection).align() }
            let rows = #"{"records":[{"video_id":"v1","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            _ = try await world.post("/v1/records/video/raw", rows)
            try await Self.settle(world)
            let all = try await Self.events(world, "")
            #expect(all.events.compactMap { $0["kind"]?.stringValue } == ["pushed", "records_written"])
            let since = try await Self.events(world, "after=\(start)")
            #expect(since.events.compactMap { $0["kind"]?.stringValue } == ["records_written"])
        }
    }
}
