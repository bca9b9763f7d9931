// Finding records that a request names twice.

import Feature
import Testing

@testable import Service

@Suite("Seen keys")
struct SeenKeysTests {
    private static let graph = [#"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#]

    private static func shape() async throws -> RowShape {
        try await World.with { world in
            try await world.push(graph)
            return try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
        }
    }

    /// What is wrong with lines that name these ids, in parts of so many.
    private static func faults(_ shape: RowShape, _ ids: [Int], parts: Int, skipping: Set<Int> = []) -> [Fault] {
        var seen = SeenKeys { 0.5 }
        var line = 1
        for piece in ids.chunked(parts) {
            // Lines in between may have been of another feature or blank.
            if skipping.contains(line) { line += 3 }
            var part = RecordPart(shape, fromLine: line)
            for id in piece {
                part.give(.provenance, field: 0, "v")
                part.append([.integer(Int64(id))], metadata: Array("{}".utf8))
            }
            line += piece.count
            let faults = seen.faults(in: part)
            guard faults.isEmpty else { return faults }
        }
        return []
    }

    /// The same by a dictionary of lines.
    private static func expected(_ ids: [Int], parts: Int, skipping: Set<Int> = []) -> [Fault] {
        var lines: [Int: Int] = [:]
        var line = 1
        for piece in ids.chunked(parts) {
            if skipping.contains(line) { line += 3 }
            var faults: [Fault] = []
            for id in piece {
                if let first = lines.updateValue(line, forKey: id), faults.count < TransactionLimits.faultsMax {
                    faults.append(Fault(.line(line), "the same record as at line \(first)"))
                }
                line += 1
            }
            guard faults.isEmpty else { return faults }
        }
        return []
    }

    @Test("however they ascend and descend, what comes twice is found with both places")
    func order() async throws {
        let shape = try await Self.shape()
        for seed in 0..<2_000 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var ids: [Int] = []
            for _ in 0...random.below(4) {
                let first = random.below(40)
                switch random.below(3) {
                case 0: ids += first..<first + random.below(20)
                case 1: ids += (first..<first + random.below(20)).reversed()
                default: ids += (0..<random.below(10)).map { _ in random.below(1_000) }
                }
            }
            let parts = 1 + random.below(12)
            let skipping = Set((0..<3).map { _ in 1 + parts * random.below(5) })
            let found = Self.faults(shape, ids, parts: parts, skipping: skipping)
            #expect(found == Self.expected(ids, parts: parts, skipping: skipping), "seed \(seed): \(ids)")
        }
    }

    @Test("after many that ascend, each of them is still known")
    func long() async throws {
        let shape = try await Self.shape()
        let ids = Array(0..<40_000)
        for again in [0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 39_998, 39_999] {
            let repeated = ids + [again]
            #expect(Self.faults(shape, repeated, parts: 1_000) == Self.expected(repeated, parts: 1_000))
        }
        #expect(Self.faults(shape, ids + [50_000, 49_999, 40_000], parts: 1_000) == [])
    }
}
