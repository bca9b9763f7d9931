// Names that are looked for in what is read.

import JSON
import Testing

@Suite struct NamesTests {
    private static let cases: [(String, Int?)] = [
        ("a", 0), ("metaxy_provenance", 1), ("metaxy_provenancf", nil), ("metaxy_provenance_", nil), ("", 2),
        ("é", 3), ("e\u{301}", nil), ("b", nil), ("12345678", 4), ("1234567", nil), ("\u{1F3A5}12345678", 5),
    ]

    @Test func aNameIsFoundByItsBytes() throws {
        let names = JSONNames(["a", "metaxy_provenance", "", "é", "12345678", "\u{1F3A5}12345678", "a"])
        for (name, number) in Self.cases {
            // As it is and with every character escaped.
            let escaped = name.utf16.map { "\\u" + String(Int($0) + 0x1_0000, radix: 16).dropFirst() }.joined()
            for text in [name, escaped] {
                var reader = JSONReader(Array("{\"\(text)\":1}".utf8))
                try reader.beginObject()
                let found = try #require(try reader.nextKey())
                #expect(reader.index(of: found, among: names) == number, "\(text)")
            }
        }
    }

    @Test func bytesOfOneDocumentAreCompared() throws {
        var reader = JSONReader(Array(#"["0123456789","0123456789","0123456788","x123456789","012345678"]"#.utf8))
        var ranges: [Range<Int>] = []
        try reader.beginArray()
        while try reader.nextElement() { ranges.append(try reader.readText().range) }
        #expect(ranges.map { reader.hasSameBytes(ranges[0], $0) } == [true, true, false, false, false])
        var copy: [UInt8] = []
        for range in ranges { reader.append(range, to: &copy) }
        #expect(String(decoding: copy, as: UTF8.self) == "012345678901234567890123456788x123456789012345678")
    }
}
