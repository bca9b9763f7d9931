// Every graph of four features, each feature's code bumped in turn.

import Feature
import Service
import Store
import Testing

/// Four features, of which some depend on others.
private struct FourFeatures {
    /// By feature, the features that it depends on.
    let upstreams: [[Int]]

    /// All 543 graphs without a cycle.
    static let all: [FourFeatures] = (0..<1 << 12).compactMap { bits in
        let pairs = (0..<4).flatMap { to in (0..<4).filter { $0 != to }.map { (from: $0, to: to) } }
        var upstreams = [[Int]](repeating: [], count: 4)
        for (index, pair) in pairs.enumerated() where bits >> index & 1 == 1 { upstreams[pair.to].append(pair.from) }
        let graph = FourFeatures(upstreams: upstreams)
        return (0..<4).contains { graph.downstream(of: $0).contains($0) } ? nil : graph
    }

    var roots: [Int] { (0..<4).filter { upstreams[$0].isEmpty } }

    /// The features that depend on one, near or far.
    func downstream(of feature: Int) -> Set<Int> {
        var found: Set<Int> = []
        var open = [feature]
        while let next = open.popLast() {
            for other in 0..<4 where upstreams[other].contains(next) && found.insert(other).inserted {
                open.append(other)
            }
        }
        return found
    }

    /// The features as they are pushed, each with one field of the given code.
    func specs(codes: [Int]) -> [String] {
        (0..<4).map { index in
            ModelFeature(
                key: Self.key(index), project: "p", idColumns: ["id"],
                deps: upstreams[index].map { ModelDep(upstream: Self.key($0)) },
                fields: [ModelField(key: "a", code: "\(codes[index])")]
            ).spec
        }
    }

    static func key(_ index: Int) -> String { "p/f\(index)" }
}

@Suite("Every graph of four features")
struct ExhaustiveTests {
    /// The graphs are shared out, so that all cores have some.
    private static let shares = 4

    @Test("each feature downstream of a bump is computed once, in whatever order workers come", arguments: 0..<shares)
    func bumps(share: Int) async throws {
        #expect(FourFeatures.all.count == 543)
        try await ModelRig.with { rig in
            for index in stride(from: share, to: FourFeatures.all.count, by: Self.shares) {
                try await rig.reset(firstRecord: 0)
                var run = FourFeaturesRun(
                    rig: rig, graph: FourFeatures.all[index], random: SeededRandom(seed: UInt64(index)))
                try await run.begin()
                for feature in 0..<4 { try await run.bump(feature) }
            }
        }
    }
}

/// One graph with one record.
private struct FourFeaturesRun {
    let rig: ModelRig
    let graph: FourFeatures
    var random: SeededRandom
    private var codes = [1, 1, 1, 1]

    init(rig: ModelRig, graph: FourFeatures, random: SeededRandom) {
        self.rig = rig
        self.graph = graph
        self.random = random
    }

    /// Pushes the graph, writes the roots and computes the rest.
    mutating func begin() async throws {
        try await rig.world.push(graph.specs(codes: codes))
        for root in graph.roots { try await write(root) }
        try await drain(Set(0..<4).subtracting(graph.roots))
    }

    /// Bumps the code of one feature, and has done what follows.
    mutating func bump(_ feature: Int) async throws {
        codes[feature] += 1
        try await rig.world.push(graph.specs(codes: codes))
        if graph.roots.contains(feature) {
            try await write(feature)
            try await drain(graph.downstream(of: feature))
        } else {
            try await drain(graph.downstream(of: feature).union([feature]))
        }
    }

    private func write(_ root: Int) async throws {
        try await rig.world.write(FourFeatures.key(root), [("r", ["a": "version \(codes[root])"])])
    }

    /// Lets workers of random features come until each of `pending` is computed; a feature whose inputs are not
    /// settled has nothing for them, and nothing is left at the end.
    private mutating func drain(_ pending: Set<Int>) async throws {
        var pending = pending
        while !pending.isEmpty {
            let feature = random.pick(pending.sorted())
            let isSettled = graph.upstreams[feature].allSatisfy { !pending.contains($0) }
            let batch = try await rig.world.claim(FourFeatures.key(feature))
            #expect(batch?.records.count == (isSettled ? 1 : nil), "\(graph.upstreams): \(feature) of \(pending)")
            guard let batch else {
                // A worker that should have got something would come for ever.
                if isSettled { return }
                continue
            }
            try await rig.world.complete(batch)
            pending.remove(feature)
        }
        let candidates = try await rig.world.candidates()
        #expect(candidates == [:], "\(graph.upstreams)")
        let mismatches = try await rig.world.metaxy.operations.verify(nil).mismatches
        #expect(mismatches == [], "\(graph.upstreams)")
    }
}
