// The writer.

import JSON
import Testing

@Suite struct WriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func separatorsArePutWhereTheyAreDue() {
        let written = text { writer in
            writer.beginObject()
            writer.key("a")
            writer.integer(1)
            writer.key("b")
            writer.beginArray()
            writer.beginArray()
            writer.endArray()
            writer.string("x")
            writer.beginObject()
            writer.endObject()
            writer.null()
            writer.bool(true)
            writer.bool(false)
            writer.double(1.5)
            writer.raw(Array(#"{"r": 1}"#.utf8))
            writer.endArray()
            writer.key("c")
            writer.integer(UInt64.max)
            writer.endObject()
            writer.endLine()
            writer.integer(Int64.min)
        }
        #expect(
            written == #"{"a":1,"b":[[],"x",{},null,true,false,1.5,{"r": 1}],"c":18446744073709551615}"#
                + "\n-9223372036854775808")
    }

    /// Text and its form between the quotes.
    static let strings: [(String, String)] = [
        ("", ""), ("plain", "plain"), ("\"", #"\""#), ("\\", #"\\"#), ("/", "/"),
        ("a\nb\tc\rd\u{8}e\u{C}f", #"a\nb\tc\rd\be\ff"#),
        ("\u{0}\u{1}\u{1F}", #"\u0000\u0001\u001f"#), ("\u{7F}é€😀\u{2028}", "\u{7F}é€😀\u{2028}"),
        ("\"\"x\"", #"\"\"x\""#),
        (
            "a long text that does not fit into a small string\n",
            #"a long text that does not fit into a small string\n"#
        ),
    ]

    @Test(arguments: strings)
    func textIsUTF8WithControlCharactersEscaped(plain: String, written: String) throws {
        #expect(text { $0.string(plain) } == "\"\(written)\"")
        #expect(
            text {
                $0.beginObject(); $0.key(plain)
            } == "{\"\(written)\":")
        #expect(try JSONValue(parsing: Array("\"\(written)\"".utf8)) == .string(plain))
    }

    @Test(arguments: [
        0.1, -0.0, 1, 1e16, 1e22, 1.5e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 123456789.123, 1 / 3.0,
    ])
    func doublesReadBackTheSame(value: Double) throws {
        let written = text { $0.double(value) }
        var reader = JSONReader(Array(written.utf8))
        #expect(try reader.readDouble().bitPattern == value.bitPattern)
    }

    @Test func randomTreesReadBackTheSame() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(state: seed)
        for round in 0..<500 {
            let value = random.value(depth: 4)
            var writer = JSONWriter()
            writer.value(value)
            #expect(try JSONValue(parsing: writer.bytes) == value, "seed \(seed), round \(round)")
        }
    }

    @Test func aWriterIsUsedAgain() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.integer(1)
        writer.removeAll()
        writer.integer(2)
        #expect(writer.bytes == Array("2".utf8))
    }
}

/// A replayable source of trees (SplitMix64).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return .null
        case 1: return .bool(.random(using: &self))
        case 2: return .integer(.random(in: .min ... .max, using: &self))
        case 3: return .double(Double(bitPattern: next()).isFinite ? .random(in: -1e300...1e300, using: &self) : 0)
        case 4: return .bigInteger("1" + String(repeating: "0", count: 20))
        case 5: return .string(string())
        case 6: return .array((0..<Int.random(in: 0..<5, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<12, using: &self) { _ = object.append(string(), value(depth: depth - 1)) }
            return .object(object)
        }
    }

    private mutating func string() -> String {
        let alphabet: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\u{0}", "é", "\u{301}", "€", "😀", "/", "\u{7F}"]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<20, using: &self) {
            text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &self)])
        }
        return String(text)
    }
}
