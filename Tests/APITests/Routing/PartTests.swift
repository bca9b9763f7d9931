// The parts of the API that need no database.

import Base
import Feature
import HTTP
import JSON
import Service
import Testing
import WebToken

@testable import API

@Suite("Parts")
struct PartTests {
    @Test("base64url gives back what it took, and takes nothing else", arguments: 0..<40)
    func base64(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
        let text = Base64URL.encode(bytes)
        #expect(Base64URL.decode(text) == bytes)
        #expect(Base64URL.decode(text + "=") == nil)
        #expect(Base64URL.decode(text + "+") == nil)
    }

    @Test("a cursor with any character changed is refused or stands elsewhere")
    func cursors() throws {
        let fingerprint = CursorFingerprint("records", "video/raw")
        let text = Cursor.text(.number(42), fingerprint)
        #expect(try Cursor.position(text, fingerprint) == .number(42))
        #expect(try Cursor.position(Cursor.text(.name("ä/b"), fingerprint), fingerprint) == .name("ä/b"))
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: Problem.self) { try Cursor.position(changed, fingerprint) }
        }
        #expect(CursorFingerprint("a", "b").seal([1]) != CursorFingerprint("ab", "").seal([1]))
        #expect(CursorFingerprint("a", nil).seal([1]) != CursorFingerprint("a", "").seal([1]))
    }

    @Test(
        "a template matches what it says",
        arguments: [
            ("/v1/claims/{id}", ["v1", "claims", "7"], ["id": "7"]), ("/v1/claims/{id}", ["v1", "claims"], nil),
            ("/v1/claims/{id}", ["v1", "claims", ""], nil), ("/v1/claims/{id}", ["v1", "claims", "7", "x"], nil),
            ("/v1/failures/{key}/retry", ["v1", "failures", "a", "b", "retry"], ["key": "a/b"]),
            ("/v1/failures/{key}/retry", ["v1", "failures", "retry"], nil),
            ("/v1/features/{key}", ["v1", "features", "a/b", "c"], ["key": "a/b/c"]),
            ("/v1/features/{key}", ["v1", "features", "a", ""], nil), ("/livez", ["livez"], [:]), ("/livez", [], nil),
        ] as [(String, [String], [String: String]?)])
    func templates(_ template: String, _ segments: [String], _ values: [String: String]?) {
        #expect(PathTemplate(template).match(segments) == values)
    }

    @Test(
        "id values are whole numbers of any size, strings and truth values",
        arguments: [
            ("0", .integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
            ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .bigInteger("9223372036854775808")),
            ("-9223372036854775809", .bigInteger("-9223372036854775809")), ("1.0", nil), ("1e2", nil),
        ] as [(String, IDValue?)])
    func ids(_ digits: String, _ value: IDValue?) {
        #expect(IDValue(integer: Array(digits.utf8)[...]) == value)
    }

    @Test("metadata columns are kept as they stand, in their order")
    func verbatim() throws {
        let line = #"{"b": [1, 2.50, {"x":"\u00e4"}],"id":true,"a" :1e2,"metaxy_change":"new","\u0063":null}"#
        var rows = RowReader(idColumns: ["id"])
        var reader = JSONReader(Array(line.utf8))
        try rows.read(&reader, at: .line(1))
        let row = try #require(rows.elements.first)
        #expect(rows.faults.count == 0)
        #expect(row.key == RecordKey([.boolean(true)]))
        #expect(
            String(decoding: row.metadata, as: UTF8.self) == #"{"b":[1, 2.50, {"x":"\u00e4"}],"a":1e2,"\u0063":null}"#)
        #expect(row.provenance == nil && row.dataVersions == nil)
    }

    @Test(
        "versions that are null are not given",
        arguments: [
            ("null", nil), (#"{"a":null}"#, nil), (#"{"a":null,"b":"x"}"#, ["b": "x"]), ("{}", [:]),
        ] as [(String, [String: String]?)])
    func versions(_ json: String, _ given: [String: String]?) throws {
        var rows = RowReader(idColumns: ["id"])
        var reader = JSONReader(Array(#"{"id":1,"metaxy_data_version_by_field":\#(json)}"#.utf8))
        try rows.read(&reader, at: .line(1))
        #expect(try #require(rows.elements.first).dataVersions == given)
    }

    @Test("lines are the same however a body is cut", arguments: [1, 2, 3, 7, 64, 1_000])
    func cuts(_ piece: Int) async throws {
        let text = (0..<20).map { #"{"id":\#($0),"name":"n\#($0)"}"# }.joined(separator: "\r\n")
        var rest = Array(text.utf8)[...]
        let pieces = stride(from: 0, to: rest.count, by: piece).map { _ -> [UInt8] in
            defer { rest = rest.dropFirst(piece) }
            return Array(rest.prefix(piece))
        }
        let source = Pieces(pieces)
        let body = RequestBody(declaredLength: nil) { () async throws(BodyError) in await source.next() }
        let read = try await LineReader.read(body, into: RowReader(idColumns: ["id"]))
        #expect(read.elements.map(\.key) == (0..<20).map { RecordKey([.integer($0)]) })
        #expect(read.elements.map(\.place) == (1...20).map { .line($0) })
    }

    @Test("a line beyond the bound is passed over to its end and named")
    func longLine() async throws {
        let long = #"{"id":1,"text":""# + String(repeating: "x", count: RequestLimits.rowBytesMax * 3) + "\"}\n"
        let source = Pieces([#"{"id":0}"# + "\n", long, #"{"id":2}"# + "\n{}\n"].map { Array($0.utf8) })
        let body = RequestBody(declaredLength: nil) { () async throws(BodyError) in await source.next() }
        do {
            _ = try await LineReader.read(body, into: RowReader(idColumns: ["id"]))
            Issue.record("the body was taken")
        } catch {
            let lines = error.items.map { $0.place }
            #expect(lines == [.line(2), .line(4)])
            #expect(error.itemCount == 2)
        }
    }
}

/// Pieces of a body.
private actor Pieces {
    private var rest: ArraySlice<[UInt8]>

    init(_ pieces: [[UInt8]]) {
        rest = pieces[...]
    }

    func next() -> [UInt8]? { rest.popFirst() }
}
