// Exact decimals: equality, order, text.

import Feature
import Testing

@Suite struct FilterNumberTests {
    /// In strictly ascending order; each row holds spellings of one number.
    static let ascending: [[String]] = [
        ["-1e400", "-10e399"], ["-1.5e300"], ["-9223372036854775809"],
        ["-9223372036854775808", "-9223372036854775808.0"],
        ["-100", "-1e2", "-100.00"], ["-99.5"], ["-2"], ["-1.000001"], ["-1", "-01"], ["-0.1", "-.1", "-1e-1"],
        ["-1e-400"],
        ["0", "-0", "0.0", "0e99", "+0", "000"], ["5e-324"], ["0.0000001", "1e-7", "1E-07"],
        ["0.1", "0.10", ".1"], ["0.1000000000000000055"], ["0.3"], ["0.30000000000000004"], ["1", "1.", "+1"], ["1.5"],
        ["2"], ["10"], ["9007199254740992"], ["9007199254740993", "9007199254740993.0"], ["9223372036854775807"],
        ["9223372036854775807.5"], ["9223372036854775808"], ["99999999999999991611392"], ["1e23", "1E+23"],
        ["123456789012345678901234567890"], ["1.7976931348623157e308"],
    ]

    @Test("numbers of any size are ordered exactly, whatever their spelling")
    func order() throws {
        for (first, left) in Self.ascending.enumerated() {
            for (second, right) in Self.ascending.enumerated() {
                for (leftText, rightText) in left.flatMap({ text in right.map { (text, $0) } }) {
                    let (a, b) = (try #require(FilterNumber(leftText)), try #require(FilterNumber(rightText)))
                    #expect((a < b) == (first < second), "\(leftText) < \(rightText)")
                    #expect((a == b) == (first == second), "\(leftText) = \(rightText)")
                    #expect((-a < -b) == (first > second), "-\(leftText) < -\(rightText)")
                    if first == second { #expect(a.hashValue == b.hashValue) }
                }
            }
        }
    }

    @Test("a number is read back from its text")
    func text() throws {
        for text in Self.ascending.joined() {
            let number = try #require(FilterNumber(text))
            #expect(FilterNumber(number.description) == number)
        }
        #expect(FilterNumber("1.5e-3")?.description == "0.0015")
        #expect(FilterNumber("12e39")?.description == "1.2e+40")
        #expect(FilterNumber("12e38")?.description == "12" + String(repeating: "0", count: 38))
        #expect(FilterNumber("-25e-9")?.description == "-2.5e-8")
        #expect(FilterNumber("7e-50")?.description == "7e-50")
    }

    @Test(
        "a double is the decimal of its shortest text",
        arguments: [
            (0.1, "0.1"), (-0.0, "0"), (1, "1"), (-2.5, "-2.5"), (9_007_199_254_740_992, "9007199254740992"),
            (1e23, "1e23"), (.leastNonzeroMagnitude, "5e-324"), (9_223_372_036_854_775_808, "9223372036854776000"),
        ] as [(Double, String)])
    func double(value: Double, text: String) {
        #expect(FilterNumber(value) == FilterNumber(text))
    }

    @Test(
        "what is no number is refused",
        arguments: [
            "", "-", "+", ".", "e1", "1e", "1e+", "--1", "1 ", " 1", "1a", "0x1", "1_0", "NaN", "inf", "١", "1e1000001",
        ])
    func refusal(text: String) {
        #expect(FilterNumber(text) == nil)
    }

    @Test("infinities and NaN are no numbers", arguments: [Double.infinity, -.infinity, .nan])
    func nonFinite(value: Double) {
        #expect(FilterNumber(value) == nil)
    }
}
