// Which bytes are JSON, and where others stop being it.

import JSON
import Testing

@Suite struct AcceptanceTests {
    static let accepted: [(text: String, value: JSONValue)] = [
        ("null", .null), ("true", .bool(true)), ("false", .bool(false)), (" \t\r\n1 \t\r\n", .integer(1)),
        ("0", .integer(0)), ("-0", .integer(0)), ("-1", .integer(-1)), ("10", .integer(10)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .bigInteger("9223372036854775808")),
        ("-9223372036854775809", .bigInteger("-9223372036854775809")),
        ("0.0", .double(0)), ("-0.0", .double(-0.0)), ("1.5", .double(1.5)), ("1e2", .double(100)),
        ("1E+2", .double(100)), ("1e-2", .double(0.01)), ("0e0", .double(0)), ("0.1e1", .double(1)),
        ("1e-999", .double(0)), ("5e-324", .double(.leastNonzeroMagnitude)),
        ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
        ("2.2250738585072011e-308", .double(Double.leastNormalMagnitude.nextDown)),
        (#""""#, .string("")), (#""a""#, .string("a")), (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
        (#""\u0041\u00e9\u20AC""#, .string("Aé€")), (#""\u0000""#, .string("\u{0}")),
        (#""\uD834\udd1e""#, .string("\u{1D11E}")), (#""\uFFFF\uD7FF\uE000""#, .string("\u{FFFF}\u{D7FF}\u{E000}")),
        ("\"\u{7F}é€😀\u{10FFFF}\u{2028}\"", .string("\u{7F}é€😀\u{10FFFF}\u{2028}")),
        ("[]", .array([])), ("[ ]", .array([])),
        ("[1,[2],[]]", .array([.integer(1), .array([.integer(2)]), .array([])])),
        ("[1 , 2]", .array([.integer(1), .integer(2)])),
        ("{}", .object([:])), (#"{ "a" : 1 , "b" : {} }"#, .object(["a": .integer(1), "b": .object([:])])),
        (#"{"":0}"#, .object(["": .integer(0)])), (#"{"a\u0062":0}"#, .object(["ab": .integer(0)])),
        (
            #"{"a":[{"a":1}],"b":[{"a":1}]}"#,
            .object(["a": .array([.object(["a": .integer(1)])]), "b": .array([.object(["a": .integer(1)])])])
        ),
    ]

    @Test(arguments: accepted)
    func documentsAreRead(text: String, value: JSONValue) throws {
        let bytes = Array(text.utf8)
        #expect(try JSONValue(parsing: bytes) == value)
        var reader = JSONReader(bytes)
        let range = try reader.skipValue()
        try reader.finish()
        #expect(try JSONValue(parsing: Array(bytes[range])) == value)
    }

    /// Text, byte of the error, its reason, its pointer.
    static let refused: [(text: String, offset: Int, reason: JSONError.Reason, pointer: JSONPointer)] = [
        ("", 0, .unexpectedEnd, ""), (" ", 1, .unexpectedEnd, ""), ("\u{FEFF}1", 0, .unexpectedByte(0xEF), ""),
        ("nul", 3, .unexpectedEnd, ""), ("nulL", 3, .unexpectedByte(0x4C), ""), ("True", 0, .unexpectedByte(0x54), ""),
        ("1 2", 2, .trailingBytes, ""), ("[] ]", 3, .trailingBytes, ""), ("1\u{0}", 1, .trailingBytes, ""),
        ("NaN", 0, .unexpectedByte(0x4E), ""), ("Infinity", 0, .unexpectedByte(0x49), ""),
        ("-", 1, .unexpectedEnd, ""), ("-a", 0, .invalidNumber, ""), ("+1", 0, .unexpectedByte(0x2B), ""),
        (".5", 0, .unexpectedByte(0x2E), ""), ("01", 0, .invalidNumber, ""), ("-01", 0, .invalidNumber, ""),
        ("1.", 2, .unexpectedEnd, ""), ("[1.]", 1, .invalidNumber, "/0"), ("1e", 2, .unexpectedEnd, ""),
        ("[1e+]", 1, .invalidNumber, "/0"), ("1.e1", 0, .invalidNumber, ""), ("0x1", 1, .trailingBytes, ""),
        ("1e400", 0, .numberOutOfRange, ""), ("[-1e400]", 1, .numberOutOfRange, "/0"),
        ("1_000", 1, .trailingBytes, ""), ("١", 0, .unexpectedByte(0xD9), ""),
        ("\"", 1, .unexpectedEnd, ""), ("\"a", 2, .unexpectedEnd, ""), ("'a'", 0, .unexpectedByte(0x27), ""),
        ("\"\n\"", 1, .controlCharacter, ""), ("\"a\u{0}\"", 2, .controlCharacter, ""),
        ("\"\u{1F}\"", 1, .controlCharacter, ""), (#""\x41""#, 1, .invalidEscape, ""),
        (#""\a""#, 1, .invalidEscape, ""),
        (#""\u12""#, 1, .invalidEscape, ""), (#""\u00g0""#, 1, .invalidEscape, ""),
        (#""\U0041""#, 1, .invalidEscape, ""),
        (#""\ud800""#, 1, .loneSurrogate, ""), (#""\udc00""#, 1, .loneSurrogate, ""),
        (#""\ud800\u0041""#, 1, .loneSurrogate, ""), (#""\ud800\n""#, 1, .loneSurrogate, ""),
        (#""\ud800\ud800""#, 1, .loneSurrogate, ""), (#""a\udc00\ud800""#, 2, .loneSurrogate, ""),
        ("[", 1, .unexpectedEnd, ""), ("[1", 2, .unexpectedEnd, ""), ("[1,", 3, .unexpectedEnd, "/1"),
        ("[,1]", 1, .unexpectedByte(0x2C), "/0"), ("[1,]", 3, .unexpectedByte(0x5D), "/1"),
        ("[1,,2]", 3, .unexpectedByte(0x2C), "/1"), ("[1 2]", 3, .unexpectedByte(0x32), ""),
        ("[1}", 2, .unexpectedByte(0x7D), ""), ("]", 0, .unexpectedByte(0x5D), ""),
        ("[1]]", 3, .trailingBytes, ""), ("[1:2]", 2, .unexpectedByte(0x3A), ""),
        ("{", 1, .unexpectedEnd, ""), ("{,}", 1, .unexpectedByte(0x2C), ""), ("{a:1}", 1, .unexpectedByte(0x61), ""),
        (#"{"a"}"#, 4, .unexpectedByte(0x7D), ""), (#"{"a":}"#, 5, .unexpectedByte(0x7D), "/a"),
        (#"{"a" 1}"#, 5, .unexpectedByte(0x31), ""), (#"{"a":1,}"#, 7, .unexpectedByte(0x7D), ""),
        (#"{"a":1 "b":2}"#, 7, .unexpectedByte(0x22), ""), (#"{1:1}"#, 1, .unexpectedByte(0x31), ""),
        (#"{"a":1]"#, 6, .unexpectedByte(0x5D), ""), (#"{"a":1,,"b":2}"#, 7, .unexpectedByte(0x2C), ""),
        (#"{"a":1/**/}"#, 6, .unexpectedByte(0x2F), ""),
        (#"{"a":1,"b":2,"a":3}"#, 13, .duplicateName("a"), ""),
        (#"{"a":1,"\u0061":3}"#, 7, .duplicateName("a"), ""),
        (#"[0,{"a/b":{"m~n":[true,{"":tru3}]}}]"#, 30, .unexpectedByte(0x33), "/1/a~1b/m~0n/1/"),
        (#"[{"x":{"y":1,"y":2}}]"#, 13, .duplicateName("y"), "/0/x"),
    ]

    @Test(arguments: refused)
    func othersAreRefusedAtTheirByte(
        text: String, offset: Int, reason: JSONError.Reason, pointer: JSONPointer
    ) throws {
        let bytes = Array(text.utf8)
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        #expect(error.reason == reason)
        #expect(error.offset == offset)
        #expect(error.pointer == pointer)
        // Passing over checks the same, but for names and the size of numbers.
        switch reason {
        case .duplicateName, .numberOutOfRange: return
        default: break
        }
        let skipped = try #require(throws: JSONError.self) {
            var reader = JSONReader(bytes)
            _ = try reader.skipValue()
            try reader.finish()
        }
        #expect(skipped.reason == reason)
        #expect(skipped.offset == offset)
    }

    /// Bytes between quotes that are no UTF-8, and the byte of the error behind the quote.
    static let malformed: [(bytes: [UInt8], offset: Int)] = [
        ([0x80], 0), ([0xBF], 0), ([0x61, 0x80], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xC3, 0x28], 0),
        ([0xC3], 0), ([0xE0, 0x80, 0x80], 0), ([0xE0, 0x9F, 0xBF], 0), ([0xE2, 0x82], 0), ([0xE2, 0x28, 0xA1], 0),
        ([0xED, 0xA0, 0x80], 0), ([0xED, 0xBF, 0xBF], 0), ([0xF0, 0x80, 0x80, 0x80], 0),
        ([0xF0, 0x8F, 0xBF, 0xBF], 0), ([0xF0, 0x9F, 0x98], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
        ([0xF5, 0x80, 0x80, 0x80], 0), ([0xFE], 0), ([0xFF], 0), ([0x61, 0xC3, 0xA9, 0xC3, 0x61], 3),
    ]

    @Test(arguments: malformed)
    func malformedUTF8IsRefused(bytes: [UInt8], offset: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        #expect(error.reason == .invalidUTF8)
        #expect(error.offset == offset + 1)
    }

    @Test func scalarsOfEveryLengthAreReadAsThemselvesAndAsEscapes() throws {
        for value in stride(from: UInt32(0x20), through: 0x10FFFF, by: 97) {
            guard let scalar = Unicode.Scalar(value), scalar != "\"", scalar != "\\" else { continue }
            let text = String(Character(scalar))
            #expect(try JSONValue(parsing: Array("\"\(text)\"".utf8)) == .string(text))
            let escapes = text.utf16.map { unit in
                let hex = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            }
            #expect(try JSONValue(parsing: Array("\"\(escapes.joined())\"".utf8)) == .string(text))
        }
    }

    @Test func containersNestToTheLimitAndNoFurther() throws {
        let most = JSONReader.depthMax
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            let inner = open == "[" ? "" : "1"
            let deepest = String(repeating: open, count: most) + inner + String(repeating: close, count: most)
            _ = try JSONValue(parsing: Array(deepest.utf8))
            // A hundred thousand brackets must not reach the end of the stack either.
            for count in [most + 1, 100_000] {
                let bytes = Array(String(repeating: open, count: count).utf8)
                let error = try #require(throws: JSONError.self) { try JSONValue(parsing: bytes) }
                #expect(error.reason == .tooDeep)
                #expect(error.offset == most * open.utf8.count)
                var reader = JSONReader(bytes)
                let skipped = try #require(throws: JSONError.self) { try reader.skipValue() }
                #expect(skipped.reason == .tooDeep)
                #expect(skipped.offset == error.offset)
            }
        }
    }

    @Test func everyTruncationOfADocumentIsRefused() throws {
        let document = Array(
            #" {"a":[1,-2.5e+3,"é😀\n\ud83d\ude00",true,null,{}],"b":{"c":false,"d":[[],""]}}"#.utf8)
        _ = try JSONValue(parsing: document)
        for count in 0..<document.count {
            let error = try #require(throws: JSONError.self) { try JSONValue(parsing: Array(document[..<count])) }
            #expect(error.reason == .unexpectedEnd, "\(count) bytes")
            #expect(error.offset == count)
        }
    }
}
