// The SQL of filters: its text, its parameters, and that no word of a filter gets into it.

import Feature
import Testing

@Suite struct FilterSQLTests {
    static func sql(_ text: String, firstParameter: Int = 1) throws -> FilterSQL {
        try Filter(text).sql(firstParameter: firstParameter) { path in
            path.column == "id" ? .value("to_jsonb(r.id)") : .member(of: "r.doc", path: path.parts)
        }
    }

    @Test(
        "a condition becomes one guarded expression",
        arguments: [
            ("TRUE", "TRUE", []),
            ("1 > 2", "FALSE", []),
            ("NULL", "NULL::boolean", []),
            ("5 IS NULL", "FALSE", []),
            ("n < NULL", "NULL::boolean", []),
            ("n IN (NULL, NULL)", "NULL::boolean", []),
            (
                "id >= 7",
                "(CASE jsonb_typeof((to_jsonb(r.id))) WHEN 'number' THEN (to_jsonb(r.id))::numeric >= $1::numeric END)",
                ["numeric 7"]
            ),
            (
                "7 >= id",
                "(CASE jsonb_typeof((to_jsonb(r.id))) WHEN 'number' THEN (to_jsonb(r.id))::numeric <= $1::numeric END)",
                ["numeric 7"]
            ),
            (
                "s = 'a'",
                "(CASE jsonb_typeof(((r.doc) -> $2::text)) WHEN 'string' "
                    + "THEN (((r.doc) -> $2::text) #>> '{}') COLLATE \"C\" = $1::text END)",
                ["text a", "text s"]
            ),
            (
                "id IS NULL",
                "(coalesce(jsonb_typeof((to_jsonb(r.id))), 'null') = 'null')",
                []
            ),
            (
                "NOT id",
                "(NOT (CASE jsonb_typeof((to_jsonb(r.id))) WHEN 'boolean' THEN (to_jsonb(r.id))::boolean END))",
                []
            ),
            (
                "id NOT IN (1, 2.5, 'a', NULL)",
                "(NOT (CASE jsonb_typeof((to_jsonb(r.id))) "
                    + "WHEN 'string' THEN ((to_jsonb(r.id)) #>> '{}') COLLATE \"C\" = ANY($1::text[]) OR NULL "
                    + "WHEN 'number' THEN (to_jsonb(r.id))::numeric = ANY($2::numeric[]) OR NULL END))",
                ["text[] a", "numeric[] 1 2.5"]
            ),
        ] as [(String, String, [String])])
    func text(filter: String, text: String, parameters: [String]) throws {
        let sql = try Self.sql(filter)
        #expect(sql.text == text)
        #expect(sql.parameters.map(Self.spelling) == parameters)
    }

    @Test("equal names and values share a parameter; those of other bytes do not; numbering starts where asked")
    func sharing() throws {
        let sql = try Self.sql("a = 'a' OR a = 'b' OR b = 1 OR b = 1.0 OR \u{E9} OR e\u{301}", firstParameter: 5)
        #expect(
            sql.parameters.map(Self.spelling)
                == ["text a", "text b", "numeric 1", "text \u{E9}", "text e\u{301}"])
        #expect(sql.text.contains("$5") && sql.text.contains("$9"))
        #expect(!sql.text.contains("$4") && !sql.text.contains("$10"))
    }

    @Test("nothing written in a filter stands in its SQL", arguments: 0..<20)
    func binding(seed: UInt64) {
        var generator = FilterGenerator(seed: seed)
        for _ in 0..<100 {
            let tree = generator.expression(depth: 4)
            let sql = tree.sql(firstParameter: 1) { .member(of: "D", path: $0.parts) }
            // Everything but the fixed words of the translation must be gone once these are taken out.
            let rest = Self.words(sql.text).subtracting(Self.fixedWords)
            #expect(rest.allSatisfy { $0.first == "$" && Int($0.dropFirst()) != nil }, "seed \(seed): \(rest)")
            let numbers = Set(rest.compactMap { Int($0.dropFirst()) })
            #expect(numbers == Set(1..<(sql.parameters.count + 1)), "seed \(seed): \(tree)")
        }
    }

    private static let fixedWords: Set<String> = [
        "D", "CASE", "WHEN", "THEN", "END", "AND", "OR", "NOT", "IS", "IN", "ANY", "TRUE", "FALSE", "NULL", "COLLATE",
        "C",
        "coalesce", "jsonb_typeof", "null", "string", "number", "boolean", "numeric", "text",
    ]

    /// The runs of letters, digits, `_` and `$`, and of anything that is not ASCII.
    private static func words(_ text: String) -> Set<String> {
        Set(text.split { $0.isASCII && !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "$") }.map(String.init))
    }

    private static func spelling(_ literal: FilterSQL.Literal) -> String {
        switch literal {
        case .text(let text): "text \(text)"
        case .number(let number): "numeric \(number)"
        case .boolean(let boolean): "boolean \(boolean)"
        case .textArray(let texts): "text[] \(texts.joined(separator: " "))"
        case .numberArray(let numbers): "numeric[] \(numbers.map(\.description).joined(separator: " "))"
        }
    }
}
