// Filters of the reference library, with the records that it kept for them.

import Feature
import Testing

@Suite struct FilterReferenceTests {
    /// Records 0 to 39 of the reference: `n`, `kind`, and `x` where `note` is "x" and not null.
    static let records = """
        100a 100b 100c 100cx 100cx 100c 100b 100a 100bx 100ax 0bx 7ax 2a 2a 2cx 5bx 6bx 4bx 9a 4c \
        0b 1b 4a 1a 8ax 1b 5bx 2bx 0b 7a 5c 5b 1a 9b 1cx 1b 1cx 1a 6cx 5c
        """.split(separator: " ")

    static func value(_ path: ColumnPath, of record: Substring) -> FilterValue {
        switch path.joined {
        case "n": .decimal(String(record.prefix { $0.isNumber }))
        case "kind": .string(String(record.drop { $0.isNumber }.prefix(1)))
        case "note": record.hasSuffix("x") ? .string("x") : .null
        default: .null
        }
    }

    @Test(
        "a read keeps the records that the reference keeps",
        arguments: [
            ("n < 50", Array(10...39)),
            (
                "n > 3",
                [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 16, 17, 18, 19, 22, 24, 26, 29, 30, 31, 33, 38, 39]
            ),
            (
                "kind = 'a' OR kind = 'b'",
                [
                    0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32,
                    33,
                    35, 37,
                ]
            ),
            (
                "NOT (kind = 'a')",
                [1, 2, 3, 4, 5, 6, 8, 10, 14, 15, 16, 17, 19, 20, 21, 25, 26, 27, 28, 30, 31, 33, 34, 35, 36, 38, 39]
            ),
            (
                "note IS NULL",
                [0, 1, 2, 5, 6, 7, 12, 13, 18, 19, 20, 21, 22, 23, 25, 28, 29, 30, 31, 32, 33, 35, 37, 39]
            ),
            ("note IS NOT NULL", [3, 4, 8, 9, 10, 11, 14, 15, 16, 17, 24, 26, 27, 34, 36, 38]),
            ("note <> 'x'", []),
            (
                "kind IN ('a','c') AND n >= 2",
                [0, 2, 3, 4, 5, 7, 9, 11, 12, 13, 14, 18, 19, 22, 24, 29, 30, 38, 39]
            ),
            (
                "kind NOT IN ('a')",
                [1, 2, 3, 4, 5, 6, 8, 10, 14, 15, 16, 17, 19, 20, 21, 25, 26, 27, 28, 30, 31, 33, 34, 35, 36, 38, 39]
            ),
            ("n = 100", Array(0...9)),
            ("(n < 3 OR n > 7) AND note = 'x'", [3, 4, 8, 9, 10, 14, 24, 27, 34, 36]),
            ("n != 4", (0...39).filter { ![17, 19, 22].contains($0) }),
            ("NOT note = 'x'", []),
            ("n <= -1", []),
            // The reference raises here; a condition that is true keeps everything.
            ("TRUE = TRUE", Array(0...39)),
        ] as [(String, [Int])])
    func read(text: String, kept: [Int]) throws {
        let filter = try Filter(text)
        let ids = Self.records.indices.filter { index in
            filter.evaluate { Self.value($0, of: Self.records[index]) } == true
        }
        #expect(ids == kept)
    }

    @Test(
        "the other filters and predicates of the reference are read",
        arguments: [
            ("status = 'failed'", "status = 'failed'"), ("dim IS NULL", "dim IS NULL"), ("dim > 8", "dim > 8"),
            ("sample_uid < 10", "sample_uid < 10"), ("n >= 0", "n >= 0"),
            ("n >= 3 AND kind <> 'c'", "n >= 3 AND kind <> 'c'"),
            ("metaxy_materialization_id = 'run-1'", "metaxy_materialization_id = 'run-1'"),
            (
                "NOT (status = 'deleted') AND deleted_at = NULL",
                "NOT status = 'deleted' AND deleted_at IS NULL"
            ),
        ])
    func other(text: String, canonical: String) throws {
        #expect(try Filter(text).expression.description == canonical)
    }
}
