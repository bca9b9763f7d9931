// The pull reader.

import JSON
import Testing

@Suite struct ReaderTests {
    private func reader(_ text: String) -> JSONReader { JSONReader(Array(text.utf8)) }

    @Test func aRowIsReadWithoutATree() throws {
        var reader = reader(
            #"{"id":7,"name":"a\u0062","tags":["x","y"],"meta":{"k": [1, {"z":null}]},"ok":true,"v":null}"#)
        var seen: [String] = []
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch true {
            case reader.matches(name, "id"): seen.append("\(try reader.readInt64())")
            case reader.matches(name, "name"): seen.append(try reader.readString())
            case reader.matches(name, "tags"):
                try reader.beginArray()
                while try reader.nextElement() { seen.append(try reader.readString()) }
            case reader.matches(name, "ok"): seen.append("\(try reader.readBool())")
            case reader.matches(name, "v"): seen.append("\(try reader.readNull())")
            default:
                let range = try reader.skipValue()
                seen.append(String(decoding: reader.bytes[range], as: UTF8.self))
            }
        }
        try reader.finish()
        #expect(seen == ["7", "ab", "x", "y", #"{"k": [1, {"z":null}]}"#, "true", "true"])
    }

    @Test func linesOfOneBufferAreReadInPlace() throws {
        let bytes = Array("{\"a\":1}\n{\"a\":2}\n{\"a\":x}\n".utf8)
        var values: [Int64] = []
        for range in [0..<7, 8..<15] {
            var reader = JSONReader(bytes, in: range)
            try reader.beginObject()
            while try reader.nextKey() != nil { values.append(try reader.readInt64()) }
            try reader.finish()
        }
        #expect(values == [1, 2])
        var last = JSONReader(bytes, in: 16..<23)
        let error = try #require(throws: JSONError.self) { try last.skipValue() }
        #expect(error.offset == 21)
        var short = JSONReader(bytes, in: 0..<6)
        #expect(try #require(throws: JSONError.self) { try short.skipValue() }.reason == .unexpectedEnd)
    }

    @Test func namesAreComparedAfterUnescaping() throws {
        var reader = reader(#"{"\u0061b":1,"ab":2,"abc":3,"a":4,"":5}"#)
        try reader.beginObject()
        var matches: [Bool] = []
        while let name = try reader.nextKey() {
            matches.append(reader.matches(name, "ab"))
            _ = try reader.skipValue()
        }
        #expect(matches == [true, true, false, false, false])
    }

    @Test func kindsArePeekedWithoutReading() throws {
        var reader = reader(#"[null, true, -1, "s", [], {}]"#)
        var kinds: [JSONKind] = []
        try reader.beginArray()
        while try reader.nextElement() {
            kinds.append(try reader.peekKind())
            #expect(try reader.peekKind() == kinds.last)
            _ = try reader.skipValue()
        }
        #expect(kinds == [.null, .bool, .number, .string, .array, .object])
    }

    /// What is asked for, what is there, and the reason of the refusal.
    static let mismatches: [(JSONKind, String, JSONError.Reason)] = [
        (.number, #""1""#, .wrongKind(expected: .number, found: .string)),
        (.number, "1.0", .numberOutOfRange), (.number, "1e2", .numberOutOfRange),
        (.number, "9223372036854775808", .numberOutOfRange), (.number, "-9223372036854775809", .numberOutOfRange),
        (.number, "99999999999999999999999", .numberOutOfRange), (.number, "", .unexpectedEnd),
        (.string, "null", .wrongKind(expected: .string, found: .null)), (.string, "x", .unexpectedByte(0x78)),
        (.bool, "0", .wrongKind(expected: .bool, found: .number)), (.bool, "trux", .unexpectedByte(0x78)),
        (.array, "{}", .wrongKind(expected: .array, found: .object)),
        (.object, "[]", .wrongKind(expected: .object, found: .array)), (.object, "", .unexpectedEnd),
    ]

    @Test(arguments: mismatches)
    func otherKindsThanAskedForAreRefused(asked: JSONKind, text: String, reason: JSONError.Reason) throws {
        var reader = reader(text)
        let error = try #require(throws: JSONError.self) {
            switch asked {
            case .null: _ = try reader.readNull()
            case .number: _ = try reader.readInt64()
            case .string: _ = try reader.readString()
            case .bool: _ = try reader.readBool()
            case .array: try reader.beginArray()
            case .object: try reader.beginObject()
            }
        }
        #expect(error.reason == reason)
    }

    @Test func numbersAreReadAsAsked() throws {
        var integers = reader("[-9223372036854775808,9223372036854775807,-0,0]")
        try integers.beginArray()
        var found: [Int64] = []
        while try integers.nextElement() { found.append(try integers.readInt64()) }
        #expect(found == [.min, .max, 0, 0])
        for text in ["0.1", "1", "123456789012345678901234567890", "1e-5", "4.9406564584124654e-324"] {
            var reader = reader(text)
            #expect(try reader.readDouble() == Double(text))
        }
    }

    @Test func anOpenContainerIsNotFinished() throws {
        var reader = reader("[")
        try reader.beginArray()
        #expect(try #require(throws: JSONError.self) { try reader.finish() }.reason == .unexpectedEnd)
    }

    @Test func errorsSayWhatIsWrongAndWhere() throws {
        let error = try #require(throws: JSONError.self) { try JSONValue(parsing: Array(#"{"a":[1,x]}"#.utf8)) }
        #expect("\(error)" == "unexpected byte 'x' at byte 8 in /a/1")
        let other = try #require(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x01]) }
        #expect("\(other)" == "control character that is not escaped at byte 1")
    }
}
