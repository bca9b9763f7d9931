// Responses as bytes, and what must never become bytes of a response.

import HTTP
import Testing

@Suite("ResponseEncoder")
struct ResponseEncoderTests {
    private func head(_ response: Response, version: HTTPVersion = .http11, closes: Bool = false) -> String {
        var output: [UInt8] = []
        ResponseEncoder.appendHead(
            of: response, framing: ResponseEncoder.framing(of: response, to: version), closes: closes,
            date: ResponseEncoder.dateLine(unixSeconds: 784_111_777), to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("a head is status line, fields, date, framing and an empty line")
    func whole() {
        let response = Response(status: .ok, headers: ["ETag": "\"x\""], body: .bytes([1, 2, 3]))
        #expect(
            head(response) == """
                HTTP/1.1 200 OK\r
                ETag: "x"\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Length: 3\r
                \r\n
                """)
    }

    @Test(
        "a number in hex is written as a field of 32 digits",
        arguments: [0, 1, 9, 10, 15, 16, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, .max] as [UInt64])
    func hex(_ number: UInt64) {
        var response = Response(status: .ok)
        response.hexField = HexField("X-Id", number, ~number)
        let digits = [number, ~number].map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        #expect(head(response).contains("\r\nX-Id: \(digits.joined())\r\n"))
    }

    @Test("statuses without content have no framing field", arguments: [204, 304] as [UInt16])
    func noContent(_ code: UInt16) {
        let text = head(Response(status: Status(code), body: .bytes([1])))
        #expect(!text.contains("Content-Length") && !text.contains("Transfer-Encoding"))
    }

    @Test("content of unknown length is chunked, and ends with the connection for HTTP/1.0")
    func stream() {
        let response = Response(status: .ok, body: .stream { _ in .finished })
        #expect(head(response).contains("\r\nTransfer-Encoding: chunked\r\n"))
        let old = head(response, version: .http10, closes: true)
        #expect(!old.contains("Transfer-Encoding") && !old.contains("Content-Length"))
        #expect(old.contains("\r\nConnection: close\r\n"))
    }

    @Test("fields that the encoder writes are not written twice")
    func reserved() {
        let text = head(
            Response(
                status: .ok,
                headers: [
                    "CONTENT-LENGTH": "9", "Transfer-Encoding": "x", "date": "now", "Connection": "upgrade",
                    "X-Kept": "1",
                ], body: .bytes([0])))
        #expect(
            text
                == "HTTP/1.1 200 OK\r\nX-Kept: 1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 1\r\n\r\n")
    }

    @Test(
        "no value starts a line of its own",
        arguments: ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\u{0}b", "\u{85}\u{2028}"])
    func splitting(_ value: String) {
        let text = head(Response(status: .ok, headers: ["Location": value]))
        #expect(text.utf8.filter { $0 == 0x0A }.count == 5)
        #expect(!text.utf8.contains(0))
        #expect(!text.contains("\r\nSet-Cookie"))
    }

    @Test("a name that is no token cannot be made", arguments: ["", "a b", "a:", "a\r\nb", "\u{e9}"])
    func names(_ name: String) {
        #expect(FieldName(name) == nil)
    }

    @Test("a request's fields sent back bring no request line along")
    func echo() throws {
        var parser = HeadParser()
        let bytes = Array("GET /secret HTTP/1.1\r\nHost:a\r\nX: y \r\n\r\n".utf8)
        let parsed = try #require(try parser.parse(bytes.span, limits: CheckedLimits(ProtocolLimits())))
        let text = head(Response(status: .ok, headers: parsed.head.headers))
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nHost:a\r\nX: y\r\nDate: "))
        var copy = parsed.head.headers
        copy.append("Z", "w")
        #expect(head(Response(status: .ok, headers: copy)).contains("X: y\r\nZ: w\r\n"))
    }

    @Test("a chunk is its size in hexadecimal, its data and CRLF")
    func chunk() {
        var output: [UInt8] = []
        ResponseEncoder.appendChunkStart(size: 26, to: &output)
        ResponseEncoder.appendChunkEnd(to: &output)
        ResponseEncoder.appendLastChunk(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "1a\r\n\r\n0\r\n\r\n")
    }
}
