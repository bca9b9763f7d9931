// The log of changes is bounded: what it forgets, what it never does, and what a reader who comes too late is told.

import Dispatch
import JSON
import Postgres
import Service
import Store
import Testing

@testable import API

@Suite("The horizon of the feed")
struct ChangeHorizonTests {
    /// 2026-01-01, and a moment after everything that these tests do, in microseconds since 1970.
    private static let (start, farAway): (Int64, Int64) = (1_767_225_600_000_000, 4_000_000_000_000_000)

    /// Notes a change as one that was made at `start` and so many microseconds.
    private static func note(
        _ world: World, _ kind: ChangeKind, at microseconds: Int64, detail: String = "{}", count: Int = 1
    ) async throws {
        try await world.script(
            """
            INSERT INTO operation (at, position, kind, token_name, detail)
            SELECT timestamptz 'epoch' + interval '1 microsecond' * \(start + microseconds),
                r.feed_base + pg_current_xact_id()::text::bigint, '\(kind.rawValue)', '\(microseconds)', '\(detail)'
            FROM registry r, generate_series(1, \(count))
            """)
    }

    /// The token names of the changes that the feed tells from a place on.
    private static func told(_ world: World, _ query: String) async throws -> [String] {
        try await ChangeTests.events(world, query).events.compactMap { $0["token"]?.stringValue }
    }

    private static func horizon(_ world: World) async throws -> String? {
        try await world.get("/v1/events").json["horizon"]?.stringValue
    }

    @Test("a change made at the very moment is still told, and one made a microsecond before is not")
    func exactly() async throws {
        try await World.with { world in
            let before = try await ChangeTests.events(world, "after=latest").next
            for time in [-1, 0, 1] as [Int64] { try await Self.note(world, .pushed, at: time) }
            try await ChangeTests.settle(world)
            let first = try await ChangeTests.events(world, "limit=1").next
            #expect(try await Self.horizon(world) == nil)
            try await world.metaxy.history.forgetChanges(madeBefore: Self.start - 1)
            #expect(try await Self.told(world, "after=\(before)") == ["-1", "0", "1"])
            try await world.metaxy.history.forgetChanges(madeBefore: Self.start)
            #expect(try await Self.horizon(world) == "2025-12-31T23:59:59.999999Z")
            #expect(try await Self.told(world, "") == ["0", "1"])
            // What comes after the change at the horizon is all there: who has seen that one has missed nothing.
            #expect(try await Self.told(world, "after=\(first)") == ["0", "1"])
            let late = try await world.get("/v1/events?after=\(before)")
            try expectProblem(late, 410, "cursor_expired")
            #expect(late.text.contains("2025-12-31T23:59:59.999999Z") && late.text.contains("after=latest"))
            #expect(try late.json["errors"]?.arrayValue?.first?["parameter"]?.stringValue == "after")
            // Back it does not go.
            try await world.metaxy.history.forgetChanges(madeBefore: Self.start - 1)
            #expect(try await Self.told(world, "") == ["0", "1"])
        }
    }

    @Test("whoever pages while the horizon moves is told everything after its place, or that it came too late")
    func paging() async throws {
        try await World.with { world in
            let count = 8
            // Some of them leave the log, some do not: that must make no difference to readers.
            var places = [try await ChangeTests.events(world, "after=latest").next]
            for time in 0..<count {
                try await Self.note(world, time.isMultiple(of: 3) ? .pushed : .claimFailed, at: Int64(time))
            }
            try await ChangeTests.settle(world)
            for _ in 0..<count {
                places.append(try await ChangeTests.events(world, "limit=1&after=\(places.last ?? "")").next)
            }
            let times = (0..<count).map { "\($0)" }
            for passed in 0...count {
                try await world.metaxy.history.forgetChanges(madeBefore: Self.start + Int64(passed))
                for (seen, place) in places.enumerated() {
                    let answer = try await world.get("/v1/events?after=\(place)")
                    guard seen >= passed else {
                        try expectProblem(answer, 410, "cursor_expired")
                        continue
                    }
                    #expect(try await Self.told(world, "after=\(place)") == Array(times[seen...]), "\(passed) \(seen)")
                }
                #expect(try await Self.told(world, "") == Array(times[passed...]))
            }
            // An idle reader that has seen all never comes too late.
            let last = try #require(places.last)
            try await Self.note(world, .pushed, at: Int64(count))
            try await ChangeTests.settle(world)
            #expect(try await Self.told(world, "after=\(last)") == ["\(count)"])
        }
    }

    @Test("changes are passed over in the order of the feed: a young one keeps all that come after it")
    func order() async throws {
        try await World.with { world in
            for time in [0, 9, 1, 2] as [Int64] { try await Self.note(world, .drained, at: time) }
            try await ChangeTests.settle(world)
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.start + 5) == 1)
            #expect(try await Self.told(world, "") == ["9", "1", "2"])
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.start + 10) == 3)
            #expect(try await Self.told(world, "") == [])
        }
    }

    @Test("a change whose transaction runs is not passed over, nor one that came after it")
    func inFlight() async throws {
        try await World.with { world in
            let begun = AsyncStream<Void>.makeStream()
            let mayEnd = DispatchSemaphore(value: 0)
            let pool = world.pool
            async let late: Void = pool.transaction { (connection) throws(PostgresError) in
                try connection.script(
                    """
                    INSERT INTO operation (at, position, kind, token_name, detail)
                    SELECT 'epoch', r.feed_base + pg_current_xact_id()::text::bigint, 'drained', 'late', '{}'
                    FROM registry r
                    """)
                begun.continuation.finish()
                // The thread is the session's own.
                mayEnd.wait()
            }
            for await _ in begun.stream {}
            try await Self.note(world, .drained, at: 0)
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway) == 0)
            mayEnd.signal()
            try await late
            try await ChangeTests.settle(world)
            #expect(try await Self.told(world, "") == ["late", "0"])
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway) == 2)
        }
    }

    @Test("lineage and what somebody did stay for ever; only what leaves nothing behind is forgotten")
    func whatStays() async throws {
        try await World.with { world in
            try await ChangeTests.changeEverything(world, [])
            let rows = #"{"records":[{"video_id":"v3","metaxy_provenance_by_field":{"audio":"a","frames":"f"}}]}"#
            for _ in 0..<2 {
                let target = "/v1/records/video/raw?materialization_id=run-7"
                #expect(try await world.post(target, rows).status == 200)
            }
            // As a worker of some run reports it.
            let claim = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"gpu-7"}"#)
            let id = try #require(claim.json["claim_id"]?.number), token = try #require(claim.json["token"]?.number)
            let record = try #require(claim.json["records"]?.arrayValue?.first?["video_id"]?.stringValue)
            let report = #"{"token":\#(token),"records":[{"video_id":"\#(record)"}]}"#
            let target = "/v1/claims/\(id)/complete?materialization_id=run-8"
            let completed = try await world.post(target, report)
            #expect(completed.status == 200, "\(completed.text)")
            try await world.metaxy.history.followChanges()
            try await ChangeTests.settle(world)
            let lineage = #"{"id":{"video_id":"\#(record)"},"direction":"both"}"#
            let trace = try await world.post("/v1/lineage/video/faces", lineage)
            #expect(trace.text.contains(#""worker":"gpu-7""#) && trace.text.contains(#""materialization_id":"run-8""#))
            let audit = try await world.get("/v1/admin/audit?limit=1000").json["changes"]?.arrayValue ?? []
            let forgettable = audit.filter {
                ["claim_failed", "drained"].contains($0["kind"]?.stringValue) || $0["detail"]?["written"]?.number == 0
            }
            #expect(Set(forgettable.compactMap { $0["kind"]?.stringValue }).count >= 2)

            let forgotten = try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway)
            #expect(forgotten == forgettable.count)
            #expect(try await ChangeTests.events(world, "").events.isEmpty)
            let kept = audit.filter { !forgettable.contains($0) }
            #expect(try await world.get("/v1/admin/audit?limit=1000").json["changes"]?.arrayValue == kept)
            let again = try await world.post("/v1/lineage/video/faces", lineage)
            #expect(again.text == trace.text)
            let lost =
                "SELECT count(*)::text FROM lineage l WHERE NOT EXISTS (SELECT FROM operation o WHERE o.id = l.operation_id)"
            #expect(try await world.text(lost) == "0")
            let erasures =
                "SELECT count(*)::text FROM erasure e WHERE NOT EXISTS (SELECT FROM operation o WHERE o.id = e.operation_id)"
            #expect(try await world.text(erasures) == "0")
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway) == 0)
        }
    }

    @Test("many changes are forgotten in steps, also where two processes are at it")
    func steps() async throws {
        try await World.with { world in
            let count = 20_000
            try await Self.note(world, .drained, at: 0, count: count)
            try await ChangeTests.settle(world)
            let other = Metaxy(pool: world.pool, random: { 0.5 })
            async let here = world.metaxy.history.forgetChanges(madeBefore: Self.farAway)
            async let there = other.history.forgetChanges(madeBefore: Self.farAway)
            var forgotten = try await here + there
            // Who finds the horizon taken leaves the work to the one who has it, and that may end a step earlier.
            forgotten += try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway)
            #expect(forgotten == count)
            #expect(try await world.text("SELECT count(*)::text FROM operation") == "0")
        }
    }

    @Test("how old a change is goes by the clock of the database")
    func age() async throws {
        try await World.with { world in
            for hours in [3, 1] {
                try await world.script(
                    """
                    INSERT INTO operation (at, position, kind, token_name, detail)
                    SELECT now() - interval '\(hours) hours', r.feed_base + pg_current_xact_id()::text::bigint,
                        'pushed', '\(hours)', '{}' FROM registry r
                    """)
            }
            try await ChangeTests.settle(world)
            try await world.metaxy.history.forgetChanges(olderThan: .seconds(4 * 3_600))
            #expect(try await Self.told(world, "") == ["3", "1"])
            try await world.metaxy.history.forgetChanges(olderThan: .seconds(2 * 3_600))
            #expect(try await Self.told(world, "") == ["1"])
        }
    }

    @Test(
        "the database lets nobody take out what lasts or what is told, nor put the horizon back",
        arguments: [
            "DELETE FROM operation WHERE token_name = '0'", "DELETE FROM operation WHERE token_name = '2'",
            "DELETE FROM operation", "UPDATE feed_horizon SET position = position - 1",
            "UPDATE feed_horizon SET operation_id = operation_id - 1", "DELETE FROM feed_horizon",
            "INSERT INTO feed_horizon (position, operation_id) VALUES (0, 0)",
        ])
    func guarded(_ sql: String) async throws {
        try await World.with { world in
            try await Self.note(world, .pushed, at: 0)
            try await Self.note(world, .pushed, at: 1)
            try await Self.note(world, .drained, at: 2)
            try await ChangeTests.settle(world)
            try await world.metaxy.history.forgetChanges(madeBefore: Self.start + 2)
            #expect(try await Self.told(world, "") == ["2"])
            await #expect(throws: PostgresError.self) { try await world.script(sql) }
            #expect(try await world.text("SELECT count(*)::text FROM operation") == "3")
        }
    }

    @Test("a place that the feed has not come to is refused: the database was put back to a moment of before")
    func ahead() async throws {
        try await World.with { world in
            try await world.script("UPDATE registry SET feed_base = 1000000000")
            try await Self.note(world, .pushed, at: 0)
            try await ChangeTests.settle(world)
            let place = try await ChangeTests.events(world, "").next
            try await world.script("DROP TRIGGER operation_is_append_only ON operation; DELETE FROM operation")
            try await world.script("UPDATE registry SET feed_base = 0")
            let answer = try await world.get("/v1/events?after=\(place)")
            try expectProblem(answer, 410, "cursor_expired")
            #expect(answer.text.contains("put back") && answer.text.contains("after=latest"))
        }
    }

    @Test("a restored database goes on after the place of who had seen everything, though transactions begin anew")
    func restored() async throws {
        try await World.with { world in
            try await Self.note(world, .pushed, at: 0)
            try await ChangeTests.settle(world)
            // A long time without a change, in which the cluster had many transactions.
            try await world.script("UPDATE registry SET feed_base = 1000000000")
            let seen = try await ChangeTests.events(world, "").next
            let latest = try await ChangeTests.events(world, "after=latest").next
            try await world.script("UPDATE registry SET feed_base = 0")
            try await world.pool.transaction { (connection) throws(StoreError) in try ChangeLog(connection).align() }
            try await Self.note(world, .pushed, at: 1)
            try await ChangeTests.settle(world)
            for place in [seen, latest] { #expect(try await Self.told(world, "after=\(place)") == ["1"]) }
        }
    }

    @Test("positions go on after the horizon where nothing but it is left")
    func restoredEmpty() async throws {
        try await World.with { world in
            try await world.script("UPDATE registry SET feed_base = 1000000000")
            try await Self.note(world, .drained, at: 0)
            try await ChangeTests.settle(world)
            let seen = try await ChangeTests.events(world, "").next
            #expect(try await world.metaxy.history.forgetChanges(madeBefore: Self.farAway) == 1)
            try await world.script("UPDATE registry SET feed_base = 0")
            try await world.pool.transaction { (connection) throws(StoreError) in try ChangeLog(connection).align() }
            try await Self.note(world, .pushed, at: 1)
            try await ChangeTests.settle(world)
            #expect(try await Self.told(world, "after=\(seen)") == ["1"])
            #expect(try await Self.told(world, "") == ["1"])
        }
    }
}
