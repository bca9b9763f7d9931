// Which texts are filters, what tree they give, and where the others go wrong.

import Feature
import Testing

@Suite struct FilterParserTests {
    @Test(
        "a filter has one canonical text",
        arguments: [
            // Comparisons.
            ("n = 1", "n = 1"), ("n == 1", "n = 1"), ("n != 1", "n <> 1"), ("n<>1", "n <> 1"), ("n<=-1", "n <= -1"),
            ("n >= 1 ", "n >= 1"), (" n < m", "n < m"), ("1 < n", "1 < n"), ("TRUE = TRUE", "TRUE = TRUE"),
            ("(n) = (2)", "n = 2"), ("((n = 2))", "n = 2"), ("b > FALSE", "b > FALSE"), ("n < NULL", "n < NULL"),
            // NULL compared with a column by = or <> asks whether it is null.
            ("n = NULL", "n IS NULL"), ("NULL = n", "n IS NULL"), ("n <> NULL", "n IS NOT NULL"),
            ("NULL != n", "n IS NOT NULL"), ("NULL = NULL", "NULL = NULL"), ("NULL = 1", "NULL = 1"),
            // IS and IN.
            ("n is null", "n IS NULL"), ("n Is Not nUlL", "n IS NOT NULL"), ("5 IS NULL", "5 IS NULL"),
            ("b IS TRUE", "b = TRUE"), ("b IS NOT FALSE", "NOT b = FALSE"), ("NOT n IS NULL", "n IS NOT NULL"),
            ("n IN (1)", "n IN (1)"), ("n in(1,-2 , +3,(4))", "n IN (1, -2, 3, 4)"),
            ("s NOT IN ('a',NULL,TRUE)", "s NOT IN ('a', NULL, TRUE)"), ("NOT s IN ('a')", "s NOT IN ('a')"),
            // Conditions of one word.
            ("flag", "flag"), ("(flag)", "flag"), ("NOT flag", "NOT flag"), ("true", "TRUE"), ("Null", "NULL"),
            // Precedence.
            ("a OR b AND c", "a OR b AND c"), ("(a OR b) AND c", "(a OR b) AND c"), ("a OR (b AND c)", "a OR b AND c"),
            ("NOT a AND b", "NOT a AND b"), ("NOT (a AND b)", "NOT (a AND b)"), ("NOT NOT a", "NOT NOT a"),
            ("NOT a = 1 OR b", "NOT a = 1 OR b"), ("a AND b AND c OR d OR e", "a AND b AND c OR d OR e"),
            ("(a AND b) AND c", "(a AND b) AND c"), ("a OR (b OR c)", "a OR (b OR c)"),
            ("n IN (1) AND s IS NOT NULL OR b", "n IN (1) AND s IS NOT NULL OR b"),
            // Names.
            ("metaxy_provenance_by_field.audio = 'x'", "metaxy_provenance_by_field.audio = 'x'"),
            ("a . b IS NULL", "a.b IS NULL"), ("\"a\".\"b c\" = 1", "a.\"b c\" = 1"), ("\"a.b\" = 1", "\"a.b\" = 1"),
            ("\"say \"\"hi\"\"\" = 1", "\"say \"\"hi\"\"\" = 1"), ("\"and\" = 1", "\"and\" = 1"),
            ("Name = 1", "Name = 1"), ("größe > 1", "größe > 1"), ("数量 > 1", "数量 > 1"), ("n$1 = 1", "n$1 = 1"),
            ("_x", "_x"), ("like = 1", "like = 1"), ("ın = 1", "ın = 1"), ("\"1a\"", "\"1a\""),
            // Strings.
            ("s = ''", "s = ''"), ("s = 'it''s'", "s = 'it''s'"), ("s = '\\'", "s = '\\'"), ("s='\"'", "s = '\"'"),
            ("s = '-- no'", "s = '-- no'"), ("s = 'a\nb'", "s = 'a\nb'"), ("'' = s", "'' = s"),
            // Numbers.
            ("n = 007", "n = 7"), ("n = 1.50", "n = 1.5"), ("n = .5", "n = 0.5"), ("n = 5.", "n = 5"),
            ("n=1e3", "n = 1000"),
            ("n = 1.5E-10", "n = 1.5e-10"), ("n > - 1", "n > -1"), ("n > -(-1)", "n > 1"), ("n = -0", "n = 0"),
            ("n = 99999999999999999999", "n = 99999999999999999999"), ("n = 1e400", "n = 1e+400"),
            ("n = -9223372036854775808", "n = -9223372036854775808"), ("n = - -1", "n = 1"),
            // Blanks and comments.
            ("\tn\r\n=\n1\n", "n = 1"), ("n = 1 -- why", "n = 1"), ("n /* a /* b */ c */ = 1", "n = 1"),
            ("-- first\nn = 1", "n = 1"), ("NOT(a)AND(b)", "NOT a AND b"),
        ])
    func canonicalText(text: String, canonical: String) throws {
        let filter = try Filter(text)
        #expect(filter.expression.description == canonical)
        #expect(try Filter(canonical).expression == filter.expression)
        #expect(filter.text == text)
    }

    @Test("a tree is typed")
    func typedTree() throws {
        let (n, kind) = (FilterOperand.column(ColumnPath(["n"])), ColumnPath(["kind"]))
        let filter = try Filter("(n >= 3 OR 0.5 < n) AND kind NOT IN ('c', NULL) AND TRUE")
        #expect(
            filter.expression
                == .and([
                    .or([
                        .comparison(.greaterOrEqual, n, .literal(.number(FilterNumber(3)))),
                        .comparison(.less, .literal(.number(try #require(FilterNumber(0.5)))), n),
                    ]),
                    .not(.isIn(kind, [.string("c"), .null])),
                    .constant(true),
                ]))
        #expect(filter.columns == [ColumnPath(["n"]), kind])
    }

    @Test("names and strings are told apart by their bytes, not by what they look like")
    func canonicalEquivalence() throws {
        let (composed, decomposed) = (try Filter("\"\u{E9}\" = '\u{E9}'"), try Filter("\"e\u{301}\" = 'e\u{301}'"))
        #expect(composed != decomposed)
        #expect(composed.expression != decomposed.expression)
        #expect(composed.columns.union(decomposed.columns).count == 2)
    }

    @Test(
        "what is no filter is refused at its place",
        arguments: [
            ("", 1, "expected a condition, found end of text"),
            ("  ", 3, "expected a condition, found end of text"),
            ("n =", 4, "expected a value after =, found end of text"),
            ("n = AND", 5, "expected a value after =, found AND; a keyword as a name needs double quotes"),
            ("= 1", 1, "expected a condition, found ="),
            ("n = 1 AND", 10, "expected a condition after AND, found end of text"),
            ("n = 1 n", 7, "expected AND, OR or the end of the filter after 1, found n"),
            ("n = 1 = 2", 7, "expected AND, OR or the end of the filter after 1, found ="),
            ("n = 1)", 6, "expected AND, OR or the end of the filter after 1, found )"),
            ("(n = 1", 7, "expected AND, OR or ) after 1, found end of text"),
            ("()", 2, "expected a condition after (, found )"),
            ("(n = 1) = TRUE", 1, "expected a column or a value, found a condition"),
            ("b = (n = 1)", 5, "expected a column or a value, found a condition"),
            ("b = NOT b", 5, "expected a value after =, found NOT; a keyword as a name needs double quotes"),
            ("(a = 1) IS NULL", 1, "expected a column or a value, found a condition"),
            ("5", 1, "a number alone is not a condition"),
            ("'x'", 1, "a string alone is not a condition"),
            ("b AND 5", 7, "a number alone is not a condition"),
            ("NOT 'x' OR b", 5, "a string alone is not a condition"),
            ("5 n", 3, "expected a comparison after 5, found n"),
            (
                "n BETWEEN 1 AND 2", 3,
                "expected AND, OR or the end of the filter after n, found BETWEEN; "
                    + "write column >= low AND column <= high"
            ),
            (
                "s LIKE 'a'", 3,
                "expected AND, OR or the end of the filter after s, found LIKE; "
                    + "there is no pattern matching"
            ),
            (
                "lower(s) = 'a'", 6,
                "expected AND, OR or the end of the filter after lower, found (; "
                    + "there are no functions"
            ),
            ("n NOT = 1", 7, "expected IN after NOT, found ="),
            ("n IN 1", 6, "expected ( after IN, found 1"),
            ("n IN ()", 7, "expected a value after (, found )"),
            ("n IN (1", 8, "expected , or ) after 1, found end of text"),
            ("n IN (1,)", 9, "expected a value after ,, found )"),
            ("n IN (f)", 7, "the values of IN must be literals, not columns"),
            ("'a' IN ('a')", 1, "the left side of IN must be a column"),
            ("n IS 2", 6, "expected NULL, NOT NULL, TRUE or FALSE after IS, found 2"),
            ("n IS NOT 2", 10, "expected NULL, TRUE or FALSE after NOT, found 2"),
            (
                "n IS NOT NULL IS NULL", 15,
                "expected AND, OR or the end of the filter after NULL, found IS; "
                    + "a keyword as a name needs double quotes"
            ),
            ("n > -m", 6, "a sign needs a number after it"),
            ("n > -'1'", 6, "a sign needs a number after it"),
            ("n = --1", 8, "expected a value after =, found end of text"),
            ("a. = 1", 4, "expected a name after ., found ="),
            ("a.null = 1", 3, "expected a name after ., found null; a keyword as a name needs double quotes"),
            ("a.b.", 5, "expected a name after ., found end of text"),
            (".a = 1", 1, "expected a condition, found ."),
            ("\"\" = 1", 1, "a quoted name cannot be empty"),
            ("\"a = 1", 1, "the quoted name has no end; close it with \""),
            ("s = 'a", 5, "the string has no end; close it with '"),
            ("s = 'it's'", 9, "expected AND, OR or the end of the filter after 'it', found s"),
            ("n = 1 /* x", 7, "the comment has no end; close it with */"),
            ("n = 1;", 6, "unexpected ; (U+003B); a filter is one condition"),
            ("a && b", 3, "unexpected & (U+0026); write AND or OR"),
            ("!b", 1, "unexpected !; write NOT, or != for unequal"),
            ("`n` = 1", 1, "unexpected ` (U+0060); quote names with \""),
            ("s = \u{2018}a\u{2019}", 5, "unexpected \u{2018} (U+2018); quote strings with '"),
            ("n\u{A0}= 1", 2, "unexpected U+00A0; use plain spaces"),
            ("größe = 数 \u{1F600}", 11, "unexpected \u{1F600} (U+1F600)"),
            ("s = 'a\0b'", 7, "unexpected U+0000; PostgreSQL stores no such character"),
            ("n = 5abc", 6, "unexpected a after the number"),
            ("n = 1.2.3", 8, "unexpected . after the number"),
            ("n = 0x1", 6, "unexpected x after the number"),
            ("n = 1e", 7, "expected the digits of the exponent"),
            ("n = 1e401", 5, "the number is too long: at most 400 characters and an exponent within ±400"),
            (
                "n = 1e-99999999999999999999", 5,
                "the number is too long: at most 400 characters and an exponent within ±400"
            ),
            ("n ^ 1", 3, "unexpected ^ (U+005E)"),
            ("n <=> 1", 5, "expected a value after <=, found >"),
            ("*", 1, "unexpected * (U+002A)"),
            ("n = $1", 5, "unexpected $ (U+0024)"),
            ("s = E'a'", 6, "expected AND, OR or the end of the filter after E, found 'a'"),
            ("n = 1; DROP TABLE x", 6, "unexpected ; (U+003B); a filter is one condition"),
        ])
    func refusal(text: String, column: Int, detail: String) {
        #expect(throws: FilterSyntaxError(column: column, detail: detail)) { try Filter(text) }
    }

    @Test("every bound is kept, and one more is refused")
    func bounds() throws {
        func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
        func refusal(_ text: String) -> FilterSyntaxError? {
            do throws(FilterSyntaxError) {
                _ = try Filter(text)
                return nil
            } catch { return error }
        }
        for (open, close) in [("(", ")"), ("NOT ", "")] {
            #expect(refusal(repeated(open, 64) + "b" + repeated(close, 64)) == nil)
            let deep = refusal(repeated(open, 100_000 / 8) + "b")
            #expect(deep?.column == 64 * open.utf8.count + 1)
            #expect(deep?.detail == "the filter nests deeper than 64 levels")
        }
        #expect(refusal("n = " + repeated("- ", 65) + "1")?.column == 133)
        #expect(refusal(repeated("a OR ", 999) + "a") == nil)
        #expect(refusal(repeated("a OR ", 1_000) + "a")?.column == 5_001)
        #expect(refusal("n IN (" + repeated("1,", 9_999) + "1)") == nil)
        #expect(refusal("n IN (" + repeated("1,", 10_000) + "1)")?.column == 20_007)
        #expect(refusal(repeated("a.", 15) + "a") == nil)
        #expect(refusal(repeated("a.", 16) + "a")?.detail == "a name has at most 16 parts")
        #expect(refusal("n = " + repeated("1", 400)) == nil)
        #expect(refusal("n = " + repeated("1", 401))?.column == 5)
        #expect(refusal("s = '" + repeated("a", 65_530) + "'") == nil)
        #expect(refusal("s = '" + repeated("a", 65_531) + "'")?.column == 1)
    }

    @Test("a random tree is read back from its canonical text and from any other spelling", arguments: 0..<20)
    func roundTrip(seed: UInt64) throws {
        var generator = FilterGenerator(seed: seed)
        for index in 0..<100 {
            let tree = generator.expression(depth: 5)
            let spelling = generator.spelling(tree)
            #expect(try Filter(tree.description).expression == tree, "seed \(seed), tree \(index)")
            #expect(try Filter(spelling).expression == tree, "seed \(seed), tree \(index): \(spelling)")
        }
    }

    @Test("cut or damaged text is a filter or a refusal with a place inside it, never a crash", arguments: 0..<4)
    func damage(seed: UInt64) {
        var generator = FilterGenerator(seed: seed)
        for _ in 0..<10 {
            let scalars = Array(generator.spelling(generator.expression(depth: 2)).unicodeScalars)
            for cut in scalars.indices {
                var damaged = scalars
                damaged.remove(at: cut)
                for candidate in [Array(scalars[..<cut]), damaged] {
                    var text = ""
                    text.unicodeScalars.append(contentsOf: candidate)
                    do throws(FilterSyntaxError) {
                        let tree = try Filter(text).expression
                        #expect(try Filter(tree.description).expression == tree, "seed \(seed): \(text)")
                    } catch {
                        #expect((1...candidate.count + 1).contains(error.column), "seed \(seed): \(text)")
                    }
                }
            }
        }
    }
}
