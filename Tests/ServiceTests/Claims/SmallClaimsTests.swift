// Small claims that come while one is being made are made together.

import Feature
import Store
import Synchronization
import Testing

@testable import Service

@Suite("Small claims")
struct SmallClaimsTests {
    private typealias Claims = Coalescer<SmallClaimKind, ClaimRequest, ClaimOutcome>

    /// Answers claims when it is told to, and knows which came together.
    private final class Maker: Sendable {
        private let groups = Mutex<[[String]]>([])
        private let gates = Mutex<[CheckedContinuation<ServiceError?, Never>]>([])

        var asked: [[String]] { groups.withLock { $0 } }

        func make(_ requests: [ClaimRequest]) async throws(ServiceError) -> [ClaimOutcome] {
            groups.withLock { $0.append(requests.map(\.worker)) }
            let error = await withCheckedContinuation { gate in gates.withLock { $0.append(gate) } }
            if let error { throw error }
            // What each is told is its place among them.
            return requests.indices.map { ClaimOutcome(isUnfinished: $0 % 2 == 1) }
        }

        /// Lets the claims that are being made end.
        func open(_ error: ServiceError? = nil) async {
            while gates.withLock({ $0.isEmpty }) { await Task.yield() }
            gates.withLock { $0.removeFirst() }.resume(returning: error)
        }
    }

    private static let kind = SmallClaimKind(
        feature: 1, revision: 1, conditions: ClaimConditions(), visibleProjects: .everything)

    private static func request(_ name: String) -> ClaimRequest {
        ClaimRequest(features: [], worker: name, limit: 1)
    }

    /// Starts a claim, and returns when it is being made or waits.
    private static func start(
        _ claims: Claims, _ maker: Maker, _ name: String, _ kind: SmallClaimKind = kind
    ) async -> Task<ClaimOutcome, any Error> {
        let (groups, waiting) = (maker.asked.count, claims.count)
        let task = Task {
            try await claims.run(request(name), kind) { (requests) async throws(ServiceError) in
                try await maker.make(requests)
            }
        }
        while maker.asked.count == groups && claims.count == waiting { await Task.yield() }
        return task
    }

    @Test("who comes alone is served at once; who comes meanwhile is served together, in the order of coming")
    func together() async throws {
        let (claims, maker) = (Claims(most: TransactionLimits.smallClaimsTogetherMax), Maker())
        var tasks: [Task<ClaimOutcome, any Error>] = []
        for name in ["a", "b", "c", "d"] { tasks.append(await Self.start(claims, maker, name)) }
        let other = await Self.start(
            claims, maker, "z",
            SmallClaimKind(feature: 2, revision: 1, conditions: ClaimConditions(), visibleProjects: .everything))
        #expect(maker.asked == [["a"], ["z"]])
        await maker.open()
        _ = try await tasks[0].value
        while maker.asked.count < 3 { await Task.yield() }
        tasks.append(await Self.start(claims, maker, "e"))
        await maker.open()
        _ = try await other.value
        await maker.open()
        #expect(try await tasks[1].value.isUnfinished == false)
        #expect(try await tasks[2].value.isUnfinished == true)
        #expect(try await tasks[3].value.isUnfinished == false)
        await maker.open()
        _ = try await tasks[4].value
        #expect(maker.asked == [["a"], ["z"], ["b", "c", "d"], ["e"]])
        // Nothing is left of it.
        _ = await Self.start(claims, maker, "f")
        #expect(maker.asked.last == ["f"] && claims.count == 0)
        await maker.open()
    }

    @Test("more than go together are served one after the other")
    func bounded() async throws {
        let (claims, maker) = (Claims(most: TransactionLimits.smallClaimsTogetherMax), Maker())
        var tasks: [Task<ClaimOutcome, any Error>] = []
        let count = TransactionLimits.smallClaimsTogetherMax + 3
        for number in 0...count { tasks.append(await Self.start(claims, maker, "\(number)")) }
        for _ in 0..<3 { await maker.open() }
        for task in tasks { _ = try await task.value }
        #expect(maker.asked.map(\.count) == [1, TransactionLimits.smallClaimsTogetherMax, 3])
    }

    @Test("what goes wrong is told to all of them, and the next ones are served")
    func fails() async throws {
        let (claims, maker) = (Claims(most: TransactionLimits.smallClaimsTogetherMax), Maker())
        var tasks: [Task<ClaimOutcome, any Error>] = []
        for name in ["a", "b", "c"] { tasks.append(await Self.start(claims, maker, name)) }
        await maker.open(.stopping)
        await #expect(throws: ServiceError.stopping) { try await tasks[0].value }
        while maker.asked.count < 2 { await Task.yield() }
        let next = await Self.start(claims, maker, "d")
        await maker.open(.tooSlow)
        await #expect(throws: ServiceError.tooSlow) { try await tasks[1].value }
        await #expect(throws: ServiceError.tooSlow) { try await tasks[2].value }
        await maker.open()
        _ = try await next.value
        #expect(maker.asked == [["a"], ["b", "c"], ["d"]])
    }

    @Test("who gives up while waiting is not served; who makes claims for others and gives up does not end theirs")
    func cancelled() async throws {
        let (claims, maker) = (Claims(most: TransactionLimits.smallClaimsTogetherMax), Maker())
        var tasks: [Task<ClaimOutcome, any Error>] = []
        for name in ["a", "b", "c", "d"] { tasks.append(await Self.start(claims, maker, name)) }
        tasks[1].cancel()
        await #expect(throws: ServiceError.cancelled) { try await tasks[1].value }
        await maker.open()
        while maker.asked.count < 2 { await Task.yield() }
        #expect(maker.asked == [["a"], ["c", "d"]])
        tasks[2].cancel()
        await maker.open()
        _ = try await tasks[3].value
    }

    @Test("what makes a claim special keeps it to itself")
    func special() throws {
        #expect(Self.request("a").isSmall)
        var request = Self.request("a")
        request.limit = TransactionLimits.smallClaimUnitsMax + 1
        #expect(!request.isSmall)
        request = Self.request("a")
        request.secondsMax = 1
        #expect(!request.isSmall)
        IdempotentRequest.$current.withValue(IdempotentRequest(caller: "", key: "k") { _ in nil }) {
            #expect(!Self.request("a").isSmall)
        }
    }

    @Test("each gets units of its own, as many as it asks for while there are some")
    func units() async throws {
        try await World.with(connections: 4) { world in
            try await world.push([
                #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#,
                #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y"}]}"#,
            ])
            let names = (0..<100).map { "r\($0)" }
            try await world.write("root", names.map { ($0, ["x": "1"]) })
            let key = try #require(FeatureKey("leaf"))
            let batches = try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let limit = 1 + number % 3
                        let batch = try await world.metaxy.claims.claim(
                            ClaimRequest(features: [key], worker: "w\(number)", limit: limit))
                        #expect(batch?.claim.worker ?? "w\(number)" == "w\(number)")
                        return (limit, batch?.records.map { world.text($0.key) } ?? [])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(batches.flatMap(\.1).sorted() == names.sorted())
            #expect(batches.allSatisfy { $0.1.count <= $0.0 })
            #expect(batches.count { $0.1.count < $0.0 && !$0.1.isEmpty } <= 2)
            #expect(try await world.mismatches() == [])
        }
    }
}
