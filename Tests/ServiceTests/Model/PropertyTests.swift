// The main job, done at random and held against an obvious model of it.

import Glibc
import Testing

@Suite("The main job at random")
struct PropertyTests {
    /// What the environment asks for: one seed, a range `a..<b`, or the standard ones.
    private static var seeds: Range<UInt64> {
        if let one = environment("METAXY_SEED").flatMap({ UInt64($0) }) { return one..<one + 1 }
        let bounds = environment("METAXY_SEEDS")?.split(separator: "..<").compactMap { UInt64($0) } ?? []
        return bounds.count == 2 ? bounds[0]..<bounds[1] : 0..<1_000
    }

    /// The seeds are shared out, so that all cores have some.
    private static let shares: UInt64 = 4

    @Test(
        "whatever is pushed, written, claimed and reported, every answer is that of the model", arguments: 0..<shares)
    func random(share: UInt64) async throws {
        let seeds = Self.seeds.filter { $0 % Self.shares == share }
        if seeds.isEmpty { return }
        try await ModelRig.with { rig in
            var failures = 0
            for seed in seeds where failures < 3 {
                // Some need a longer history than others to go wrong.
                let count = seed % 25 == 3 ? 25 + Int(seed % 16) : 3 + Int(seed % 6)
                guard let failed = try await ModelRun.run(rig, seed: seed, steps: Array(0..<count)) else { continue }
                failures += 1
                let least = try await Self.shrink(rig, seed, failed)
                let steps = least.log.joined(separator: "\n")
                Issue.record("METAXY_SEED=\(seed)\n\(steps)\n→ \(least.difference)")
            }
        }
    }

    /// Leaves out steps as long as something is found without them.
    private static func shrink(
        _ rig: ModelRig, _ seed: UInt64, _ failed: (difference: String, log: [String], steps: [Int])
    ) async throws -> (difference: String, log: [String], steps: [Int]) {
        var least = failed
        var index = 0
        while index < least.steps.count {
            var steps = least.steps
            steps.remove(at: index)
            if let found = try await ModelRun.run(rig, seed: seed, steps: steps) {
                least = found
                if found.steps.count < steps.count { index = 0 }
            } else {
                index += 1
            }
        }
        return least
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
