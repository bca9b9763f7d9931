// When a crowd has gone.

import HTTPServer
import Testing

@Suite("Crowds")
struct CrowdTests {
    @Test("a crowd has gone once, when fewer than half of many are left")
    func gone() {
        var crowd = Crowd()
        let steps: [(connections: Int, hasGone: Bool)] = [
            (0, false), (Crowd.sizeMin - 1, false), (0, false), (Crowd.sizeMin, false), (Crowd.sizeMin / 2, false),
            (Crowd.sizeMin / 2 - 1, true), (0, false), (4 * Crowd.sizeMin, false), (Crowd.sizeMin, true),
            (Crowd.sizeMin / 2, false), (0, true), (0, false),
        ]
        for (index, step) in steps.enumerated() {
            #expect(crowd.hasGone(connections: step.connections) == step.hasGone, "step \(index)")
        }
    }
}
