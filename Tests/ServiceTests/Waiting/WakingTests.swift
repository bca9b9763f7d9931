// Waking on every process: two services over one database, and nobody who looks by the clock.

import Dispatch
import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Waking")
struct WakingTests {
    private static let specs = [
        #"{"key":"video/raw","id_columns":["id"],"fields":[{"key":"a"}]}"#,
        #"{"key":"video/a","id_columns":["id"],"deps":[{"feature":"video/raw"}],"fields":[{"key":"x"}]}"#,
        #"{"key":"video/b","id_columns":["id"],"deps":[{"feature":"video/raw"}],"fields":[{"key":"x"}]}"#,
    ]

    private static let listenerName = "other-listener"

    /// A service that makes work and tells of it, and another over the same database that hears.
    private static func withTwo(_ body: @escaping (World, Metaxy) async throws -> Void) async throws {
        try await World.with { here in
            try await here.push(specs)
            let pool = Pool(PoolConfiguration(connectionString: here.database.connectionString, size: 3))
            let there = Metaxy(pool: pool, random: { 0.5 })
            var settings = PoolConfiguration(connectionString: here.database.connectionString, size: 1)
            settings.applicationName = listenerName
            let listener = NotificationListener(settings, channels: CrossProcessWaking.channels)
            let tasks = [
                Task { await here.metaxy.waking.announce() }, Task { await there.waking.announce() },
                Task { await there.waking.follow(listener.events) },
            ]
            let result: Result<Void, any Error>
            do { result = .success(try await body(here, there)) } catch { result = .failure(error) }
            for task in tasks {
                task.cancel()
                await task.value
            }
            listener.close()
            await pool.close()
            try result.get()
        }
    }

    /// Starts a claim that waits for an hour, and comes back when it does.
    private static func waiting(
        _ metaxy: Metaxy, _ features: [String], worker: String, limit: Int = 10
    ) async throws -> Task<ClaimedBatch?, any Error> {
        let before = metaxy.operations.load.waitingClaims
        let keys = try features.map { try #require(FeatureKey($0)) }
        let task = Task<ClaimedBatch?, any Error> {
            try await metaxy.claims.claim(
                ClaimRequest(features: keys, worker: worker, limit: limit, wait: .seconds(3_600)))
        }
        while metaxy.operations.load.waitingClaims == before { await Task.yield() }
        return task
    }

    /// Waits until the listener is there: notices from now on are heard.
    private static func heard(_ here: World, but process: Int32? = nil) async throws -> Int32 {
        while true {
            let found = try await here.pool.withConnection { (connection) throws(PostgresError) -> [Int32] in
                var found: [Int32] = []
                let rows = try connection.query(
                    Statement(
                        "listening",
                        """
                        SELECT pid FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name = $1 AND query ~ $2
                        """),
                    [.text(listenerName), .text("^LISTEN")])
                for row in rows { found.append(try row.int4(0)) }
                return found
            }
            if let first = found.first, first != process { return first }
        }
    }

    @Test("work that one process commits wakes, in another, as many as there is work for, first come first served")
    func otherProcess() async throws {
        try await Self.withTwo { here, there in
            _ = try await Self.heard(here)
            // The listener's own beginning wakes everybody once; by then nobody may wait.
            let last = try await Self.waiting(there, ["video/b"], worker: "probe")
            try await here.write("video/raw", [("r0", ["a": "0"])])
            #expect(try await last.value?.records.count == 1)
            #expect(try await here.work("video/a") == ["r0"])
            var tasks: [Task<ClaimedBatch?, any Error>] = []
            for number in 0..<5 {
                tasks.append(try await Self.waiting(there, ["video/a"], worker: "w\(number)"))
            }
            for number in 0..<3 {
                let before = there.operations.load.wakeUpsTotal
                try await here.write("video/raw", [("r\(number + 1)", ["a": "1"])])
                let batch = try #require(try await tasks[number].value)
                #expect(batch.claim.worker == "w\(number)")
                #expect(batch.records.map { here.text($0.key) } == ["r\(number + 1)"])
                #expect(there.operations.load.wakeUpsTotal - before == 1)
                #expect(there.operations.load.waitingClaims == 4 - number)
            }
            for task in tasks { task.cancel() }
            for task in tasks.dropFirst(3) { await #expect(throws: ServiceError.self) { _ = try await task.value } }
        }
    }

    enum Ending: CaseIterable { case completed, released, expired }

    @Test(
        "a place under a cap that becomes free in one process wakes who waits for it in another",
        arguments: Ending.allCases, [true, false])
    func freePlace(_ ending: Ending, isProject: Bool) async throws {
        try await Self.withTwo { here, there in
            _ = try await Self.heard(here)
            // The listener's own beginning wakes everybody once; by then nobody may wait.
            let probe = try await Self.waiting(there, ["video/b"], worker: "probe")
            try await here.write("video/raw", (0..<2_000).map { ("r\($0)", ["a": "0"]) })
            let first = try #require(try await probe.value)
            _ = try await there.claims.release(claim: first.claim.id, token: first.claim.token)
            if isProject {
                _ = try await here.metaxy.graph.configure(project: "p", algorithm: nil, truncation: nil, claimsMax: 1)
            } else {
                var settings = DispatchSettings.standard
                settings.claimsMax = 1
                let key = try #require(FeatureKey("video/a"))
                _ = try await here.metaxy.graph.configure(dispatch: key, settings, expected: nil)
            }
            let held = try #require(try await here.claim(isProject ? "video/b" : "video/a", limit: 2))
            // Who asks once finds no place; who waits has seen the same by the time that it waits.
            let asked = try await there.claims.claim(
                ClaimRequest(features: [try #require(FeatureKey("video/a"))], worker: "w"))
            #expect(asked == nil)
            let waiting = try await Self.waiting(there, ["video/a"], worker: "w")
            switch ending {
            case .completed: try await here.complete(held)
            case .released: _ = try await here.metaxy.claims.release(claim: held.claim.id, token: held.claim.token)
            case .expired:
                try await here.script("UPDATE claim SET lease_until = now() - interval '1 second' WHERE state = 0")
                try await here.metaxy.claims.expire()
            }
            #expect(try await waiting.value?.records.count == 10)
        }
    }

    @Test("who takes as much as it wants wakes the next, until all that is ready is handed out")
    func baton() async throws {
        try await Self.withTwo { here, there in
            var tasks: [Task<ClaimedBatch?, any Error>] = []
            for number in 0..<20 {
                let metaxy = number % 2 == 0 ? here.metaxy : there
                tasks.append(try await Self.waiting(metaxy, ["video/a"], worker: "w\(number)", limit: 3))
            }
            _ = try await Self.heard(here)
            try await here.write("video/raw", (0..<60).map { ("r\($0)", ["a": "1"]) })
            var ids: Set<String> = []
            for task in tasks {
                let batch = try #require(try await task.value)
                #expect(batch.records.count == 3)
                ids.formUnion(batch.records.map { here.text($0.key) })
            }
            #expect(ids.count == 60)
        }
    }

    @Test("one of those who met a block that somebody else held finds it when it is free, though nobody tells")
    func contention() async throws {
        try await World.with { world in
            try await world.push(Self.specs)
            try await world.write("video/raw", [("r", ["a": "1"])])
            let pool = Pool(PoolConfiguration(connectionString: world.database.connectionString, size: 1))
            let begun = AsyncStream<Void>.makeStream()
            let mayEnd = DispatchSemaphore(value: 0)
            async let held: Void = pool.transaction { (connection) throws(PostgresError) in
                // A transaction of which the service knows nothing, as one of another process that ends before it tells.
                _ = try connection.query(Statement("hold", "SELECT FROM work FOR UPDATE"), [])
                begun.continuation.yield()
                // The thread is the session's own.
                mayEnd.wait()
            }
            for await _ in begun.stream { break }
            let request = ClaimRequest(
                features: [try #require(FeatureKey("video/a"))], worker: "w", wait: .seconds(3_600))
            try await withThrowingTaskGroup(of: ClaimedBatch?.self) { group in
                for _ in 0..<3 { group.addTask { try await world.metaxy.claims.claim(request) } }
                while world.metaxy.operations.load.waitingClaims < 3 { await Task.yield() }
                mayEnd.signal()
                #expect(try await group.next()??.records.count == 1)
                // The one that has it was the only one that looked again; it let the next look, who found nothing.
                #expect(world.metaxy.operations.load.wakeUpsTotal <= 1)
                group.cancelAll()
                while true {
                    do { guard try await group.next() != nil else { break } } catch is ServiceError {}
                }
            }
            try await held
            await pool.close()
        }
    }

    @Test("who finds nothing to its conditions wakes the next with another one")
    func tastes() async throws {
        try await World.with { world in
            try await world.push(Self.specs)
            let key = try #require(FeatureKey("video/a"))
            var request = ClaimRequest(features: [key], worker: "picky", wait: .seconds(3_600))
            request.kinds = [.stale]
            var picky: [Task<ClaimedBatch?, any Error>] = []
            for count in 0..<10 {
                picky.append(Task { [request] in try await world.metaxy.claims.claim(request) })
                while world.metaxy.operations.load.waitingClaims == count { await Task.yield() }
            }
            let plain = try await Self.waiting(world.metaxy, ["video/a"], worker: "plain")
            try await world.write("video/raw", [("r", ["a": "1"])])
            #expect(try await plain.value?.claim.worker == "plain")
            // One of the picky and the plain one: the other nine would have found nothing either.
            #expect(world.metaxy.operations.load.wakeUpsTotal == 2)
            for task in picky { task.cancel() }
            for task in picky { await #expect(throws: ServiceError.self) { _ = try await task.value } }
        }
    }

    @Test("a turn that comes for one feature to a waiter that takes of another goes on to the next")
    func features() async throws {
        try await World.with { world in
            try await world.push(Self.specs)
            let both = try await Self.waiting(world.metaxy, ["video/a", "video/b"], worker: "both")
            let second = try await Self.waiting(world.metaxy, ["video/b"], worker: "second")
            try await world.write("video/raw", [("r", ["a": "1"])])
            #expect(try await both.value?.plan.key == FeatureKey("video/a"))
            #expect(try await second.value?.plan.key == FeatureKey("video/b"))
        }
    }

    @Test("a listener whose connection is ended hears again, and all who wait look once")
    func reconnect() async throws {
        try await Self.withTwo { here, there in
            let backend = try await Self.heard(here)
            let waiting = try await Self.waiting(there, ["video/a"], worker: "w")
            let administrator = Pool(
                PoolConfiguration(connectionString: here.database.administratorConnectionString, size: 1))
            try await administrator.withConnection { (connection) throws(PostgresError) in
                _ = try connection.query(Statement("end", "SELECT pg_terminate_backend($1, 5000)"), [.int4(backend)])
            }
            await administrator.close()
            // Its notice goes to nobody; the listener that comes back wakes all.
            try await here.write("video/raw", [("r", ["a": "1"])])
            #expect(try await waiting.value?.records.count == 1)
            _ = try await Self.heard(here, but: backend)
        }
    }
}
