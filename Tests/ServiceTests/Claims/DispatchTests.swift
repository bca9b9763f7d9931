// How work is handed out: by priority, by what workers have, under caps, in batches of the time that they have.

import Feature
import Postgres
import Service
import Store
import TestSupport
import Testing

@Suite("Dispatch")
struct DispatchTests {
    private static let graph = [
        #"{"key":"raw","id_columns":["id"],"fields":[{"key":"x"}]}"#,
        #"{"key":"a","id_columns":["id"],"deps":[{"feature":"raw"}],"fields":[{"key":"y"}]}"#,
        #"{"key":"b","id_columns":["id"],"deps":[{"feature":"raw"}],"fields":[{"key":"y"}]}"#,
    ]

    private static func with(records: Int, _ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push(graph)
            try await world.write("raw", (0..<records).map { ("r\($0)", ["x": "1"]) })
            try await body(world)
        }
    }

    private static func request(
        _ features: [String], limit: Int = 1, wait: Duration = .zero, secondsMax: Double? = nil,
        tags: [String: String] = [:]
    ) throws -> ClaimRequest {
        ClaimRequest(
            features: try features.map { try #require(FeatureKey($0)) }, worker: "w", limit: limit, wait: wait,
            secondsMax: secondsMax, tags: tags)
    }

    @discardableResult
    private static func configure(
        _ metaxy: Metaxy, _ feature: String, _ change: (inout DispatchSettings) -> Void
    ) async throws -> DispatchSummary {
        var settings = DispatchSettings.standard
        change(&settings)
        return try await metaxy.graph.configure(dispatch: try #require(FeatureKey(feature)), settings, expected: nil)
    }

    @Test("features of greater priority come first, then those that were named first; the first with work answers")
    func priorities() async throws {
        try await Self.with(records: 1) { world in
            try await Self.configure(world.metaxy, "b") { $0.priority = 5 }
            try await Self.configure(world.metaxy, "a") { $0.priority = -5 }
            let request = try Self.request(["a", "b"])
            #expect(try await world.metaxy.claims.claim(request)?.plan.key == FeatureKey("b"))
            let second = try #require(try await world.metaxy.claims.claim(request))
            #expect(second.plan.key == FeatureKey("a"))
            #expect(try await world.metaxy.claims.claim(request) == nil)
            _ = try await world.metaxy.claims.release(claim: second.claim.id, token: second.claim.token)
            try await world.write("raw", [("r1", ["x": "1"])])
            try await Self.configure(world.metaxy, "b") { $0.priority = -5 }
            #expect(try await world.metaxy.claims.claim(request)?.plan.key == FeatureKey("a"))
        }
    }

    @Test("work that requires tags is for workers that have them; who asks for nothing else is told at once")
    func requirements() async throws {
        try await Self.with(records: 2) { world in
            try await Self.configure(world.metaxy, "a") { $0.requires = ["gpu": "a100", "zone": "1"] }
            for tags in [[:], ["gpu": "h100", "zone": "1"], ["gpu": "a100"]] {
                await #expect(throws: ServiceError.self) {
                    _ = try await world.metaxy.claims.claim(try Self.request(["a"], wait: .seconds(3_600), tags: tags))
                }
            }
            do {
                _ = try await world.metaxy.claims.claim(try Self.request(["a"], tags: ["gpu": "a100"]))
                Issue.record("a worker without the zone was given work")
            } catch ServiceError.requirementsNotMet(let detail) {
                #expect(detail == "a requires zone=1")
            }
            let others = try await world.metaxy.claims.claim(try Self.request(["a", "b"]))
            #expect(others?.plan.key == FeatureKey("b"))
            let tags = ["gpu": "a100", "zone": "1", "more": "x"]
            #expect(
                try await world.metaxy.claims.claim(try Self.request(["a"], tags: tags))?.plan.key == FeatureKey("a"))
        }
    }

    @Test("settings hold on every server from the next claim on, and are told with their revision")
    func everywhere() async throws {
        try await Self.with(records: 2) { world in
            let pool = Pool(PoolConfiguration(connectionString: world.database.connectionString, size: 1))
            let other = Metaxy(pool: pool, random: { 0.5 })
            #expect(try await other.claims.claim(try Self.request(["a"]))?.records.count == 1)
            let set = try await Self.configure(world.metaxy, "a") { $0.claimsMax = 1 }
            #expect(set.stored.revision == 1)
            #expect(try await other.claims.claim(try Self.request(["a"])) == nil)
            #expect(try await other.graph.dispatch(of: set.key) == set)
            // The same once more is no change; anything else is the next revision.
            #expect(try await Self.configure(other, "a") { $0.claimsMax = 1 }.stored.revision == 1)
            #expect(try await Self.configure(other, "a") { _ in }.stored.revision == 2)
            #expect(try await world.metaxy.claims.claim(try Self.request(["a"]))?.records.count == 1)
            await pool.close()
        }
    }

    enum Cap: CaseIterable { case feature, project }

    @Test("claims at the same time on two servers never exceed a cap", arguments: Cap.allCases)
    func caps(_ cap: Cap) async throws {
        try await Self.with(records: 6_000) { world in
            let pool = Pool(PoolConfiguration(connectionString: world.database.connectionString, size: 4))
            let servers = [world.metaxy, Metaxy(pool: pool, random: { 0.5 })]
            switch cap {
            case .feature: try await Self.configure(world.metaxy, "a") { $0.claimsMax = 3 }
            case .project:
                _ = try await world.metaxy.graph.configure(project: "p", algorithm: nil, truncation: nil, claimsMax: 3)
            }
            for _ in 0..<8 {
                let batches = try await withThrowingTaskGroup(of: ClaimedBatch?.self) { group in
                    for number in 0..<16 {
                        let features = cap == .project && number % 4 < 2 ? ["b"] : ["a"]
                        group.addTask { try await servers[number % 2].claims.claim(try Self.request(features)) }
                    }
                    var batches: [ClaimedBatch] = []
                    for try await batch in group { if let batch { batches.append(batch) } }
                    return batches
                }
                #expect(batches.count == 3)
                for batch in batches.dropFirst() { try await world.complete(batch) }
                let last = try #require(batches.first)
                #expect(try await world.metaxy.claims.list(feature: nil, worker: nil, after: 0, limit: 100).count == 1)
                try await world.complete(last)
            }
            await pool.close()
        }
    }

    enum Ending: CaseIterable { case completed, failed, released, expired }

    @Test("a place that becomes free wakes one who waits for it", arguments: Ending.allCases, Cap.allCases)
    func freePlace(_ ending: Ending, _ cap: Cap) async throws {
        try await Self.with(records: 2_000) { world in
            let metaxy = world.metaxy
            switch cap {
            case .feature: try await Self.configure(metaxy, "a") { $0.claimsMax = 1 }
            case .project:
                _ = try await metaxy.graph.configure(project: "p", algorithm: nil, truncation: nil, claimsMax: 1)
            }
            let first = try #require(
                try await metaxy.claims.claim(try Self.request([cap == .project ? "b" : "a"], limit: 2)))
            let request = try Self.request(["a"], limit: 10, wait: .seconds(3_600))
            let waiting = Task { try await metaxy.claims.claim(request) }
            while metaxy.operations.load.waitingClaims == 0 { await Task.yield() }
            let (id, token) = (first.claim.id, first.claim.token)
            switch ending {
            case .completed: try await world.complete(first)
            case .failed:
                let report = FailureReport(records: nil, error: "out of memory", isRetryable: true)
                _ = try await metaxy.claims.fail(claim: id, token: token, report: report)
            case .released: _ = try await metaxy.claims.release(claim: id, token: token)
            case .expired:
                try await world.script("UPDATE claim SET lease_until = now() - interval '1 second'")
                try await metaxy.claims.expire()
            }
            #expect(try await waiting.value?.records.count == 10)
        }
    }

    @Test("a cap that is raised or lifted wakes who waits; a cap of 0 stops a feature")
    func raised() async throws {
        try await Self.with(records: 10) { world in
            try await Self.configure(world.metaxy, "a") { $0.claimsMax = 0 }
            let request = try Self.request(["a"], limit: 4, wait: .seconds(3_600))
            let waiting = (0..<2).map { _ in Task { try await world.metaxy.claims.claim(request) } }
            while world.metaxy.operations.load.waitingClaims < 2 { await Task.yield() }
            try await Self.configure(world.metaxy, "a") { _ in }
            for task in waiting { #expect(try await task.value?.records.count == 4) }
        }
    }

    @Test("how often a record is tried and how long after is the feature's to say")
    func attempts() async throws {
        try await Self.with(records: 1) { world in
            try await Self.configure(world.metaxy, "a") { settings in
                (settings.attemptsMax, settings.retryFirst, settings.retryMax) = (3, 100, 150)
            }
            let key = try #require(FeatureKey("a"))
            // The upper half of a delay is random: at 0.5 it is three quarters of it.
            for delay in [75.0, 112.5, nil] {
                let batch = try #require(try await world.claim("a"))
                let report = FailureReport(records: nil, error: "out of memory", isRetryable: true)
                _ = try await world.metaxy.claims.fail(claim: batch.claim.id, token: batch.claim.token, report: report)
                let failed = try await world.metaxy.failures.list(of: key, after: -1, limit: 10).records
                let failure = try #require(failed.first?.failure)
                let seconds = failure.retryAt.map { Double($0 - failure.lastAt) / 1e6 }
                #expect(seconds == delay || abs((seconds ?? -1) - (delay ?? -2)) < 0.1)
                try await world.script(
                    "UPDATE failure SET retry_at = now() - interval '1 second' WHERE retry_at IS NOT NULL")
            }
            try await Self.configure(world.metaxy, "b") { $0.attemptsMax = 1 }
            _ = try #require(try await world.claim("b"))
            try await world.script("UPDATE claim SET lease_until = now() - interval '1 second'")
            try await world.metaxy.claims.expire()
            let lost = try await world.metaxy.failures.list(of: try #require(FeatureKey("b")), after: -1, limit: 10)
                .records
            #expect(lost.map { $0.failure.retryAt } == [nil])
        }
    }

    @Test("a batch is as large as what is known of the time of its records allows, and never empty")
    func seconds() async throws {
        try await Self.with(records: 200) { world in
            func units(_ seconds: Double) async throws -> Int {
                let batch = try await world.metaxy.claims.claim(try Self.request(["a"], limit: 20, secondsMax: seconds))
                let claimed = try #require(batch)
                _ = try await world.metaxy.claims.release(claim: claimed.claim.id, token: claimed.claim.token)
                return claimed.records.count
            }
            // Nothing is known yet.
            #expect(try await units(0.001) == 20)
            try await Self.complete(world, units: 10, seconds: 20)
            #expect(try await units(7) == 3)
            #expect(try await units(1.9) == 1)
            #expect(try await units(1e9) == 20)
            try await Self.complete(world, units: 10, seconds: 60)
            #expect(try await units(16) == 4)
            #expect(try await world.metaxy.operations.status().map(\.secondsPerUnit) == [nil, 4, nil])
            // A new model, twice: once with others, then alone.
            for _ in 0..<31 { try await Self.complete(world, units: 1, seconds: 0.5) }
            let mixed = try #require(try await world.metaxy.operations.status()[1].secondsPerUnit)
            #expect(abs(mixed - (60 + 15.5) / 41) < 1e-9)
            try await Self.complete(world, units: 1, seconds: 0.5)
            #expect(try await world.metaxy.operations.status()[1].secondsPerUnit == 0.5)
        }
    }

    /// Completes so many units in two reports, the first of them sent twice; together they took so long.
    private static func complete(_ world: World, units: Int, seconds: Double) async throws {
        let batch = try #require(try await world.claim("a", limit: units))
        let rows = batch.records.enumerated().map { index, record in
            RecordRow(
                place: .line(index + 1), key: record.key, metadata: Array("{}".utf8), provenance: nil,
                dataVersions: nil)
        }
        let half = rows.count / 2
        let reports = half == 0 ? [rows] : [Array(rows[..<half]), Array(rows[..<half]), Array(rows[half...])]
        for (number, report) in reports.enumerated() {
            // The repeated report took no more time than the one that it repeats.
            let share = half == 0 ? seconds : number == 1 ? 1_000 : seconds / 2
            _ = try await world.metaxy.claims.complete(
                claim: batch.claim.id, token: batch.claim.token, rows: report, seconds: share, writer: Writer())
        }
    }
}
