// Many workers and servers under faults, run after run from seeds.

import Glibc
import Testing

@Suite("Claims under faults, simulated")
struct SimulationTests {
    /// What the environment asks for: one seed, a range `a..<b`, or the standard ones.
    private static var seeds: Range<UInt64> {
        if let one = environment("METAXY_SIMULATION").flatMap({ UInt64($0) }) { return one..<one + 1 }
        let bounds = environment("METAXY_SIMULATIONS")?.split(separator: "..<").compactMap { UInt64($0) } ?? []
        return bounds.count == 2 ? bounds[0]..<bounds[1] : 0..<1_000
    }

    /// The seeds are shared out, so that all cores have some.
    private static let shares: UInt64 = 4

    @Test(
        "whatever is lost, late, doubled or killed, no lease and no result is", arguments: 0..<shares)
    func holds(share: UInt64) async throws {
        let seeds = Self.seeds.filter { $0 % Self.shares == share }
        if seeds.isEmpty { return }
        try await World.with(connections: 1) { world in
            let rig = try await SimulationRig(world)
            for seed in seeds {
                rig.begin()
                var simulation = Simulation(rig, seed: seed)
                do {
                    try await simulation.run()
                } catch {
                    let log = simulation.log.joined(separator: "\n")
                    Issue.record("METAXY_SIMULATION=\(seed)\n\(log)\n→ \(error)")
                    return
                }
            }
            #expect(try await world.mismatches() == [])
        }
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
