// Text is compared, hashed and ordered by bytes, where strings are not.

import Base
import Testing

@Suite("Text")
struct TextTests {
    /// Pairs that Swift's strings take for equal.
    private static let equivalent = [
        ("\u{E9}", "e\u{301}"), ("\u{212A}", "K"), ("\u{212B}", "\u{C5}"), ("\u{AC00}", "\u{1100}\u{1161}"),
        ("id_\u{E9}_of_the_record", "id_e\u{301}_of_the_record"),
    ]

    @Test("canonically equivalent strings are two texts", arguments: equivalent)
    func equivalence(_ left: String, _ right: String) {
        #expect(left == right)
        #expect(Text(left) != Text(right))
        #expect(Set([Text(left), Text(right)]).count == 2)
        #expect((Text(left) < Text(right)) != (Text(right) < Text(left)))
    }

    @Test("equal bytes are one text, whatever holds them", arguments: [0, 1, 7, 8, 15, 16, 17, 200])
    func equality(_ count: Int) {
        let bytes = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        let text = Text(String(decoding: bytes, as: UTF8.self))
        let part = Text(("x" + text.string + "y").dropFirst().dropLast())
        #expect(text == part)
        #expect(text.hashValue == part.hashValue)
        for place in bytes.indices {
            var other = bytes
            other[place] ^= 1
            #expect(text != Text(String(decoding: other, as: UTF8.self)))
        }
    }

    @Test("the order is that of code points, above the surrogates too")
    func order() {
        let texts: [Text] = ["", "K", "K\u{0}", "Z", "a", "e\u{301}", "\u{E9}", "\u{212A}", "\u{E000}", "\u{1F600}"]
        #expect(texts.shuffled().sorted() == texts)
    }
}
