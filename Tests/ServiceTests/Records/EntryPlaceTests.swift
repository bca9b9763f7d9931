// Places of entries beside heads: hints, which may be missing or wrong.

import Feature
import JSON
import Service
import Store
import Testing

@Suite("Places of entries beside heads")
struct EntryPlaceTests {
    private static let graph = [
        #"{"key":"left","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"{"key":"right","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        """
        {"key":"leaf","id_columns":["id"],"fields":[{"key":"y","code_version":"1"}],
         "deps":[{"feature":"left"},{"feature":"right","rename":{"size":"other"}}]}
        """,
    ]

    @Test(
        "who asks for units gets the metadata of the entries that their inputs have, wherever these are said to lie",
        arguments: [
            // As written; unknown; where nothing lies, in the table and behind its end; where another record's entry lies; where
            // the entry of the other upstream lies; of some only.
            "entry_place", "NULL", "'(0,200)'", "'(7000,1)'", "CASE WHEN rid = 0 THEN '(0,2)'::tid ELSE '(0,1)' END",
            "(SELECT o.entry_place FROM head o WHERE o.rid = h.rid AND o.feature_id = 3 - h.feature_id)",
            "CASE WHEN rid = 1 THEN entry_place END",
        ])
    func places(place: String) async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            for version in 1...2 {
                for (feature, sizes) in [("left", [10, 20, 30]), ("right", [40, 50])] {
                    let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey(feature)))
                    let rows = try sizes.enumerated().map { id, size in
                        let text = """
                            {"id":\(id),"size":\(size + version),"metaxy_provenance_by_field":{"x":"\(size)-\(version)"}}
                            """
                        return try world.row(try JSONValue(parsing: Array(text.utf8)), shape)
                    }
                    _ = try await world.metaxy.put(rows, shape: shape, writer: Writer())
                }
            }
            try await world.script("UPDATE head h SET entry_place = \(place) WHERE feature_id < 3")
            #expect(try await Self.columns(world) == ["0: size 12 other 42", "1: size 22 other 52"])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("metadata is found after its entries were written anew elsewhere")
    func moved() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            for size in [1, 3] {
                for feature in ["left", "right"] {
                    try await world.put(
                        feature, #"{"id":0,"size":\#(size),"metaxy_provenance_by_field":{"x":"a\#(size)"}}"#,
                        #"{"id":1,"size":\#(size + 1),"metaxy_provenance_by_field":{"x":"b\#(size)"}}"#)
                }
            }
            let before = try await Self.columns(world)
            #expect(before == ["0: size 3 other 3", "1: size 4 other 4"])
            // The third of four entries becomes the second.
            for table in ["lineage_1_0", "lineage_2_0"] {
                try await world.script("CLUSTER \(table) USING \(table)_pkey")
            }
            #expect(try await Self.columns(world) == before)
        }
    }

    /// What an increment tells of each record of the leaf.
    private static func columns(_ world: World) async throws -> [String] {
        let key = try #require(FeatureKey("leaf"))
        let page = try await world.metaxy.increments.resolve(IncrementQuery(feature: key, limit: 100))
        return page.records.map { record in
            let columns = record.columns.map { "\($0.name) \(String(decoding: $0.value, as: UTF8.self))" }
            return "\(world.ids(record.key)): \(columns.joined(separator: " "))"
        }
    }
}
