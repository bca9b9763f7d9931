// BitString: its order, and its algebra against sets.

import Postgres
import Testing

@Suite struct BitStringTests {
    @Test(arguments: [0, 1, 7, 8, 63, 64, 65, 127, 128, 1024])
    func algebra_agrees_with_sets(count: Int) {
        for seed in UInt64(0)..<20 {
            var generator = SeededGenerator(seed: seed)
            let left = Set((0..<count).filter { _ in Bool.random(using: &generator) })
            let right = Set((0..<count).filter { _ in Bool.random(using: &generator) })
            let (a, b) = (BitString(count: count, setting: left), BitString(count: count, setting: right))
            #expect(Array((a | b).ones) == left.union(right).sorted(), "seed \(seed)")
            #expect(Array((a & b).ones) == left.intersection(right).sorted(), "seed \(seed)")
            #expect(Array(a.subtracting(b).ones) == left.subtracting(right).sorted(), "seed \(seed)")
            #expect(a.popcount == left.count, "seed \(seed)")
            #expect(a.isZero == left.isEmpty, "seed \(seed)")
            #expect((0..<count).allSatisfy { a[$0] == left.contains($0) }, "seed \(seed)")
        }
    }

    @Test func bit_zero_is_the_leftmost() {
        var bits = BitString(count: 9)
        bits[0] = true
        bits[8] = true
        #expect(bits.description == "100000001")
        bits[0] = false
        #expect(bits.description == "000000001")
        #expect(bits == BitString(count: 9, setting: [8]))
    }
}
