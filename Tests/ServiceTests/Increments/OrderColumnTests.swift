// The column by which batches are ordered, for each way in which inputs become rows.

import Feature
import Service
import Store
import Testing

@Suite("Columns to order by")
struct OrderColumnTests {
    /// A graph of three features, records, and batches that follow from an order.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let specs: [String]
        /// Feature and row, in the order in which they are written.
        let rows: [(String, String)]
        let feature: String
        let column: String
        /// The first batch of so many units.
        let batch: [String]
    }

    private static let raw = #"{"key":"raw","id_columns":["rid"],"fields":[{"key":"x"}]}"#
    private static let other = #"{"key":"other","id_columns":["id"],"fields":[{"key":"x"}]}"#

    private static func leaf(_ deps: String, ids: String = #""id""#) -> String {
        #"{"key":"leaf","id_columns":[\#(ids)],"deps":[\#(deps)],"fields":[{"key":"y"}]}"#
    }

    private static func row(_ ids: String, _ columns: String = "") -> String {
        "{\(ids)\(columns.isEmpty ? "" : ","+columns)" + #","metaxy_provenance_by_field":{"x":"1"}}"#
    }

    /// One that has ids of another name, renamed and selected columns.
    private static let rekeyed = [
        raw, leaf(#"{"feature":"raw","rename":{"rid":"id","file":"shard"},"select":["shard"]}"#),
    ]
    private static let rekeyedRows = [
        ("raw", row(#""rid":"a""#, #""file":2,"shard":9"#)), ("raw", row(#""rid":"b""#, #""file":1,"shard":8"#)),
        ("raw", row(#""rid":"c""#, #""file":3,"shard":7"#)), ("raw", row(#""rid":"d""#, #""file":2,"shard":6"#)),
    ]

    private static let aggregated = [
        #"{"key":"raw","id_columns":["id","n"],"fields":[{"key":"x"}]}"#,
        leaf(#"{"feature":"raw","lineage":{"relationship":{"type":"N:1","on":["id"]}},"sql_filters":["ok IS NULL"]}"#),
    ]
    private static let aggregatedRows = [
        ("raw", row(#""id":"a","n":10"#, #""site":"n""#)), ("raw", row(#""id":"a","n":9"#, #""site":"s""#)),
        ("raw", row(#""id":"a","n":1"#, #""site":"n","ok":false"#)), ("raw", row(#""id":"b","n":1"#, #""site":"n""#)),
        ("raw", row(#""id":"c","n":5"#, #""site":"s""#)),
    ]

    private static let expanded = [
        raw,
        leaf(
            #"{"feature":"raw","rename":{"rid":"video"},"lineage":{"relationship":{"type":"1:N","on":["video"]}}}"#,
            ids: #""n","video""#),
    ]
    private static let expandedRows = [
        ("raw", row(#""rid":"v2""#, #""tar":5"#)), ("raw", row(#""rid":"v1""#, #""tar":6"#)),
        ("raw", row(#""rid":"v3""#, #""tar":5"#)),
    ]

    private static let two = [
        raw, other,
        leaf(
            #"{"feature":"raw","rename":{"rid":"id"}},{"feature":"other","optional":true,"sql_filters":["ok = TRUE"]}"#),
    ]
    private static let twoRows = [
        ("other", row(#""id":"a""#, #""path":"q","only":2,"ok":true"#)),
        ("other", row(#""id":"b""#, #""path":"p","only":1,"ok":true"#)),
        ("other", row(#""id":"c""#, #""path":"q","only":2,"ok":false"#)),
        ("other", row(#""id":"d""#, #""path":"q","only":2,"ok":true"#)),
        ("raw", row(#""rid":"a""#, #""path":1"#)), ("raw", row(#""rid":"b""#, #""path":1"#)),
        ("raw", row(#""rid":"c""#, #""path":2"#)), ("raw", row(#""rid":"d""#, #""path":3"#)),
    ]

    static let cases = [
        Case(
            testDescription: "renamed and selected", specs: rekeyed, rows: rekeyedRows, feature: "leaf",
            column: "shard", batch: ["a", "d", "c"]),
        Case(
            testDescription: "an id column", specs: rekeyed, rows: rekeyedRows.reversed(), feature: "leaf",
            column: "id", batch: ["d", "a"]),
        Case(
            testDescription: "the list of a group's records that pass the filter", specs: aggregated,
            rows: aggregatedRows, feature: "leaf", column: "site", batch: ["a", "c"]),
        Case(
            testDescription: "an id column of a group's records", specs: aggregated, rows: aggregatedRows,
            feature: "leaf", column: "n", batch: ["a", "b"]),
        Case(
            testDescription: "the parent of an expansion", specs: expanded, rows: expandedRows, feature: "leaf",
            column: "tar", batch: ["v2", "v3"]),
        Case(
            testDescription: "the id of the parent of an expansion", specs: expanded, rows: expandedRows,
            feature: "leaf", column: "video", batch: ["v2", "v3"]),
        Case(
            testDescription: "of two inputs with the column, the first", specs: two, rows: twoRows, feature: "leaf",
            column: "path", batch: ["a", "b", "c"]),
        Case(
            testDescription: "the other's, with its key behind the name", specs: two, rows: twoRows, feature: "leaf",
            column: "path__other", batch: ["a", "d"]),
        Case(
            testDescription: "an input that does not pass the filter brings nothing", specs: two, rows: twoRows,
            feature: "leaf", column: "only", batch: ["a", "d", "c"]),
        Case(
            testDescription: "a column that no record has", specs: two, rows: twoRows, feature: "leaf",
            column: "nothing", batch: ["a", "b"]),
    ]

    @Test("the value is that of the row that a worker gets", arguments: cases)
    func rows(_ test: Case) async throws {
        try await World.with { world in
            try await world.push(test.specs)
            for (feature, row) in test.rows { try await world.put(feature, row) }
            var settings = DispatchSettings.standard
            settings.orderBy = test.column
            let key = try #require(FeatureKey(test.feature))
            _ = try await world.metaxy.graph.configure(dispatch: key, settings, expected: nil)
            let batch = try #require(try await world.claim(test.feature, limit: test.batch.count))
            #expect(Set(batch.records.map { world.ids($0.key) }) == Set(test.batch))
        }
    }

    /// Why ordering by a column is refused; nil where it is not.
    private static func refusal(_ world: World, _ column: String) async throws -> String? {
        var settings = DispatchSettings.standard
        settings.orderBy = column
        do {
            let key = try #require(FeatureKey("leaf"))
            _ = try await world.metaxy.graph.configure(dispatch: key, settings, expected: nil)
            return nil
        } catch ServiceError.invalid(let faults) {
            return faults.map { "\($0.place.pointer): \($0.detail)" }.joined()
        }
    }

    @Test("a column that no row can have is refused, with those that there are; one that some may have is not")
    func refused() async throws {
        try await World.with { world in
            try await world.push(Self.rekeyed)
            let key = try #require(FeatureKey("leaf"))
            #expect(try await Self.refusal(world, "shard") == nil)
            #expect(try await Self.refusal(world, "id") == nil)
            #expect(
                try await Self.refusal(world, "size")
                    == "/order_by: the rows of leaf have no column \"size\" to order by; they have id, shard")
            #expect(
                try await Self.refusal(world, "file")
                    == "/order_by: the rows of leaf have no column \"file\" to order by; they have id, shard")
            #expect(
                try await Self.refusal(world, "metaxy_provenance")
                    == "/order_by: the rows of leaf have no column \"metaxy_provenance\" to order by; they have id, shard"
            )
            #expect(try await world.metaxy.graph.dispatch(of: key).stored.settings.orderBy == "id")
            try await world.push([Self.raw, Self.leaf(#"{"feature":"raw","rename":{"rid":"id","file":"shard"}}"#)])
            #expect(try await Self.refusal(world, "size") == nil)
            #expect(
                try await Self.refusal(world, "file")
                    == "/order_by: the rows of leaf have no column \"file\" to order by; they have id, the columns of raw as renamed"
            )
        }
    }

    @Test("a push that takes the column away leaves the oldest first")
    func gone() async throws {
        try await World.with { world in
            try await world.push(Self.rekeyed)
            var settings = DispatchSettings.standard
            settings.orderBy = "shard"
            _ = try await world.metaxy.graph.configure(
                dispatch: try #require(FeatureKey("leaf")), settings, expected: nil)
            for (feature, row) in Self.rekeyedRows { try await world.put(feature, row) }
            try await world.push([Self.raw, Self.leaf(#"{"feature":"raw","rename":{"rid":"id"},"select":["size"]}"#)])
            let batch = try #require(try await world.claim("leaf", limit: 2))
            #expect(batch.records.map { world.ids($0.key) } == ["a", "b"])
        }
    }
}
