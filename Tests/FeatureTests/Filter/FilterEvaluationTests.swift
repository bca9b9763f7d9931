// What filters mean: three-valued logic, kinds, order.

import Feature
import Testing

@Suite struct FilterEvaluationTests {
    /// A row with one column of each kind; every other column is missing.
    static func value(_ path: ColumnPath) -> FilterValue {
        switch path.joined {
        case "t": .boolean(true)
        case "f": .boolean(false)
        case "n", "m.n": .integer(3)
        case "big": .integer(9_007_199_254_740_993)
        case "huge": .decimal("123456789012345678901234567890")
        case "x": .double(0.1)
        case "s": .string("b")
        case "e": .string("\u{E9}")
        case "list", "m": .other
        default: .null
        }
    }

    @Test(
        "AND, OR and NOT know unknown",
        arguments: [("TRUE", true), ("FALSE", false), ("NULL", nil)] as [(String, Bool?)])
    func connectives(text: String, value: Bool?) throws {
        func evaluate(_ text: String) throws -> Bool? { try Filter(text).evaluate(Self.value) }
        #expect(try evaluate(text) == value)
        #expect(try evaluate("NOT \(text)") == value.map { !$0 })
        #expect(try evaluate("\(text) AND TRUE") == value)
        #expect(try evaluate("TRUE AND \(text)") == value)
        #expect(try evaluate("\(text) AND FALSE") == false)
        #expect(try evaluate("FALSE AND \(text)") == false)
        #expect(try evaluate("\(text) AND NULL") == (value == false ? false : nil))
        #expect(try evaluate("NULL AND \(text)") == (value == false ? false : nil))
        #expect(try evaluate("\(text) OR FALSE") == value)
        #expect(try evaluate("FALSE OR \(text)") == value)
        #expect(try evaluate("\(text) OR TRUE") == true)
        #expect(try evaluate("TRUE OR \(text)") == true)
        #expect(try evaluate("\(text) OR NULL") == (value == true ? true : nil))
        #expect(try evaluate("NULL OR \(text)") == (value == true ? true : nil))
    }

    @Test(
        "a condition is true, false or unknown",
        arguments: [
            // Numbers are exact.
            ("n = 3", true), ("n = 3.0", true), ("n <> 3", false), ("n < 3.5", true), ("3 <= n", true),
            ("n > 3", false),
            ("big = 9007199254740993", true), ("big = 9007199254740992", false), ("big > 9007199254740992.0", true),
            ("huge > 9223372036854775807", true), ("huge = 123456789012345678901234567890", true),
            ("huge < 123456789012345678901234567890.5", true), ("x = 0.1", true), ("x = 0.10000000000000000555", false),
            ("n < big", true), ("x < n", true), ("huge > x", true),
            // Strings by code point.
            ("s = 'b'", true), ("s = 'B'", false), ("s > 'a'", true), ("s > 'Z'", true), ("s < 'ba'", true),
            ("s > ''", true),
            ("e = '\u{E9}'", true), ("e = 'e\u{301}'", false), ("e > 'z'", true), ("e < '\u{FFFD}'", true),
            ("'\u{10000}' > '\u{FFFD}'", true), ("'b' = s", true),
            // Booleans.
            ("t", true), ("f", false), ("NOT f", true), ("t = TRUE", true), ("t <> f", true), ("f < t", true),
            ("t IS TRUE", true), ("t IS NOT TRUE", false), ("f IS FALSE", true), ("t IS FALSE", false),
            // Null compares as unknown, except that = NULL and <> NULL ask for it.
            ("none = 1", nil), ("none <> 1", nil), ("NOT none = 1", nil), ("none = none", nil), ("none", nil),
            ("none = NULL", true), ("n = NULL", false), ("none <> NULL", false), ("n <> NULL", true), ("n < NULL", nil),
            ("NULL = NULL", nil), ("none IS NULL", true), ("n IS NULL", false), ("n IS NOT NULL", true),
            ("none IS TRUE", nil), ("none IS NOT TRUE", nil), ("NULL IS NULL", true), ("5 IS NULL", false),
            // Members.
            ("m.n = 3", true), ("m.other IS NULL", true), ("m IS NULL", false), ("list IS NOT NULL", true),
            // Kinds never mix.
            ("n = '3'", nil), ("n <> '3'", nil), ("s > 1", nil), ("t = 1", nil), ("n = t", nil), ("s = t", nil),
            ("list = 1", nil), ("list = list", nil), ("m = m", nil), ("n", nil), ("s", nil), ("list", nil),
            ("1 = 1", true), ("1 = 'a'", nil), ("TRUE = TRUE", true), ("'a' < 'b'", true),
            // IN.
            ("n IN (1, 3)", true), ("n IN (1, 2)", false), ("n NOT IN (1, 2)", true), ("n IN (3.0)", true),
            ("n IN (1, NULL)", nil), ("n NOT IN (1, NULL)", nil), ("n IN (3, NULL)", true),
            ("n NOT IN (3, NULL)", false),
            ("none IN (1)", nil), ("none NOT IN (1)", nil), ("none IN (NULL)", nil), ("n IN (NULL)", nil),
            ("n IN ('a')", nil), ("n IN ('a', 3)", true), ("n IN ('a', 4)", nil), ("s IN ('a', 'b')", true),
            ("t IN (FALSE)", false), ("t IN (FALSE, TRUE)", true), ("list IN (1)", nil),
            // Together.
            ("none = 1 OR n = 3", true), ("none = 1 AND n = 3", nil), ("none = 1 AND n = 4", false),
            ("NOT (none = 1 OR n = 4)", nil), ("n = 3 AND NOT (s = 'a' OR s = 'c') AND none IS NULL", true),
        ] as [(String, Bool?)])
    func meaning(text: String, expected: Bool?) throws {
        let filter = try Filter(text)
        #expect(filter.evaluate(Self.value) == expected)
        #expect(FilterExpression.not(filter.expression).evaluate(Self.value) == expected.map { !$0 })
    }

    @Test("doubles that are no numbers compare as unknown and are not null")
    func nonFinite() throws {
        #expect(try Filter("x = x").evaluate { _ in .double(.nan) } == nil)
        #expect(try Filter("x > 0").evaluate { _ in .double(.infinity) } == nil)
        #expect(try Filter("x IS NULL").evaluate { _ in .decimal("abc") } == false)
    }

    @Test("an empty conjunction holds, an empty disjunction does not")
    func empty() {
        #expect(FilterExpression.and([]).evaluate(Self.value) == true)
        #expect(FilterExpression.or([]).evaluate(Self.value) == false)
    }

    @Test("a double negation and De Morgan's laws change nothing on random rows", arguments: 0..<10)
    func laws(seed: UInt64) {
        var generator = FilterGenerator(seed: seed)
        for index in 0..<200 {
            let (left, right) = (generator.expression(depth: 3), generator.expression(depth: 3))
            let row = generator.row()
            func evaluate(_ tree: FilterExpression) -> Bool? { tree.evaluate { row.value(at: $0.parts[...]) } }
            let place: Comment = "seed \(seed), pair \(index)"
            #expect(evaluate(.not(.not(left))) == evaluate(left), place)
            #expect(evaluate(.not(.and([left, right]))) == evaluate(.or([.not(left), .not(right)])), place)
            #expect(evaluate(.and([left, right])) == evaluate(.and([right, left])), place)
        }
    }
}
