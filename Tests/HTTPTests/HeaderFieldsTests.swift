// Looking up header fields.

import HTTP
import Testing

@Suite("HeaderFields")
struct HeaderFieldsTests {
    @Test("names compare without case, values combine in order")
    func lookup() {
        let fields: HeaderFields = ["Accept": "a", "X": "1", "accept": "b"]
        #expect(fields["ACCEPT"] == "a, b")
        #expect(fields.values(of: "Accept") == ["a", "b"])
        #expect(fields["Accept-Encoding"] == nil)
        #expect(fields.map(\.name) == ["Accept", "X", "accept"])
        #expect(fields.count == 3)
    }

    @Test("case is folded in ASCII alone")
    func foldsASCII() {
        let fields: HeaderFields = ["K": "kelvin", "b^": "1"]
        #expect(fields["k"] == "kelvin")
        #expect(fields["b~"] == nil, "^ and ~ differ by the bit that tells cases apart")
    }

    @Test("a value that is not UTF-8 is read as ISO-8859-1, without loss")
    func latin1() throws {
        var parser = HeadParser()
        let bytes =
            Array("GET / HTTP/1.1\r\nHost: a\r\nX: caf".utf8) + [0xE9, 0xFF] + Array("\r\nY: \u{e9}\r\n\r\n".utf8)
        let head = try #require(try parser.parse(bytes.span, limits: CheckedLimits(ProtocolLimits()))).head
        #expect(head.headers["X"] == "caf\u{e9}\u{ff}")
        #expect(head.headers["Y"] == "\u{e9}")
    }

    @Test("a line break in a value becomes a space")
    func controls() {
        let fields: HeaderFields = ["X": "a\r\n\tb\u{7f}"]
        #expect(fields["X"] == "a  \tb ")
    }
}
