// Rows of a root as columns.

import Feature
import Postgres
import Store
import Testing

@testable import Service

@Suite("Record parts")
struct RecordPartTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"},{"key":"y","code_version":"1"}]}"#
    ]

    /// What a row gives of each field.
    private typealias Row = (provenance: [String], data: [String?])

    private static func part(_ shape: RowShape, _ rows: [Row]) -> RecordPart {
        var part = RecordPart(shape, fromLine: 1)
        for (number, row) in rows.enumerated() {
            // A row that breaks off leaves nothing behind.
            part.give(.provenance, field: 0, "broken")
            part.give(.dataVersion, field: 1, "broken")
            part.discard()
            for field in [1, 0] {
                if let data = row.data[field] { part.give(.dataVersion, field: field, data) }
                part.give(.provenance, field: field, row.provenance[field])
            }
            part.append([.integer(Int64(number))], metadata: Array("{}".utf8))
        }
        return part
    }

    private static func text(_ place: (bytes: [UInt8], range: Range<Int>)?) -> String? {
        place.map { String(decoding: $0.bytes[$0.range], as: UTF8.self) }
    }

    @Test("data versions of some rows and some fields stay with their rows, also where parts are joined")
    func dataVersions() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let given: [[Row]] = [
                [(["a", "b"], [nil, nil]), (["c", "d"], [nil, nil])],
                [(["e", "f"], [nil, "F"]), (["g", "h"], [nil, nil]), (["i", "j"], ["I", "j"])],
                [(["k", "l"], [nil, nil])],
                [(["m", "n"], [nil, nil]), (["o", "p"], ["", nil])],
            ]
            for chosen in [[0], [1], [0, 1], [1, 0], [0, 2], [0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 3]] {
                var joined = Self.part(shape, given[chosen[0]])
                for next in chosen.dropFirst() { joined.append(contentsOf: Self.part(shape, given[next])) }
                let rows = chosen.flatMap { given[$0] }
                #expect(joined.count == rows.count)
                #expect(joined.hasDataVersions == rows.contains { $0.data.contains { $0 != nil } })
                for (number, row) in rows.enumerated() {
                    for field in 0..<2 {
                        #expect(Self.text(joined.provenance(of: field, number)) == row.provenance[field])
                        let data = Self.text(joined.dataVersion(of: field, number))
                        #expect(data == row.data[field] ?? row.provenance[field])
                    }
                }
            }
        }
    }

    @Test("a data version that is the provenance changes no fingerprint, and any other does")
    func fingerprints() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let digest = { (row: Row) in Array(Self.part(shape, [row]).fingerprints[0] ?? []) }
            #expect(digest((["a", "b"], [nil, nil])) == digest((["a", "b"], ["a", "b"])))
            let all: [Row] = [
                (["a", "b"], [nil, nil]), (["a", "b"], [nil, "c"]), (["a", "b"], ["c", nil]), (["a", "b"], ["", nil]),
                (["ab", ""], [nil, nil]), (["", "ab"], [nil, nil]),
            ]
            #expect(Set(all.map(digest)).count == all.count)
        }
    }
}
