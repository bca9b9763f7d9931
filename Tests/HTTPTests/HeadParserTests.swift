// What a head may be, at and beyond its limits, and how it is told apart from one that is not there yet.

import HTTP
import Testing

@Suite("HeadParser")
struct HeadParserTests {
    static let validHeads = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET /a/b?c=d HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\n\r\n",
        "POST /v1/claims HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
        "PUT /x HTTP/1.1\r\nhost:a\r\ntransfer-encoding:CHUNKED\r\nX-Empty:\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://example.org:8080/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ]

    private func parse(_ text: String, limits: ProtocolLimits = ProtocolLimits()) throws(RequestError) -> ParsedHead? {
        var parser = HeadParser()
        return try parser.parse(Array(text.utf8).span, limits: CheckedLimits(limits))
    }

    private func status(_ text: String, limits: ProtocolLimits = ProtocolLimits()) -> UInt16? {
        do throws(RequestError) {
            return try parse(text, limits: limits) == nil ? nil : 200
        } catch {
            return error.status.code
        }
    }

    @Test("every proper prefix of a valid head is partial", arguments: validHeads)
    func prefixes(_ text: String) throws {
        for length in 0..<text.utf8.count {
            let prefix = String(decoding: Array(text.utf8.prefix(length)), as: UTF8.self)
            #expect(status(prefix) == nil, "\(length) bytes")
        }
        #expect(try parse(text)?.consumed == text.utf8.count)
    }

    @Test(
        "what breaks the grammar has its status",
        arguments: [
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
            ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
            ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /{a} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /?{a} HTTP/1.1\r\nHost: a\r\n\r\n", 200),
            ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%e9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n", 200), ("GET /?%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /% HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a/./b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /a/.. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /a/%2E%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /.a/..b HTTP/1.1\r\nHost: a\r\n\r\n", 200),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501), ("CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", 200),
            ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
            ("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
            ("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 413),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 200),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \u{665}\r\n\r\n", 400),
            ("\u{16}\u{3}\u{1}", 400), ("\r\n\r\n\r\n", 400),
        ])
    func statuses(_ text: String, _ expected: UInt16) {
        #expect(status(text) == expected)
    }

    @Test("a request line of the limit is taken, one byte more is 414, and so is one that has not ended")
    func requestLineLimit() {
        var limits = ProtocolLimits()
        limits.requestLineBytesMax = 100
        let path = String(repeating: "a", count: 100 - "GET / HTTP/1.1".utf8.count)
        #expect(status("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) == 200)
        #expect(status("GET /a\(path) HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) == 414)
        #expect(status("GET /\(path)\(path)", limits: limits) == 414)
    }

    @Test("a method of the limit is taken, one byte more is 501")
    func methodLimit() {
        let method = String(repeating: "M", count: ProtocolLimits().methodBytesMax)
        #expect(status("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n") == 200)
        #expect(status("\(method)M / HTTP/1.1\r\nHost: a\r\n\r\n") == 501)
        #expect(status("\(method)MM") == 501)
    }

    @Test("field lines of the limit are taken, one byte more is 431, and so are lines that have not ended")
    func fieldBytesLimit() {
        var limits = ProtocolLimits()
        limits.fieldBytesMax = 200
        let value = String(repeating: "v", count: 200 - "Host: a\r\nX: \r\n".utf8.count)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n", limits: limits) == 200)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: v\(value)\r\n\r\n", limits: limits) == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\nX: vvv\(value)", limits: limits) == 431)
    }

    @Test(
        "what a limit or a byte decides does not depend on how the head is cut",
        arguments: [
            "GET / HTTP/1.1\r\nHost: a\r\nX: 56789\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: 567890\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: aX: 567890123456789\n\r\n", "GET /5678901234567890 HTTP/1.1\r\n",
            "GET /5678901 HTTP/1.1\r\nHost: a\r\n\r\n", "LONGMETHOD\u{1}\n\r\n", " GET /5678901234567890 HTTP/1.1\r\n",
            "\rGET /567890123456789\r\n", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n\r\n", "GET\n",
        ])
    func cuts(_ text: String) {
        var limits = ProtocolLimits()
        limits.requestLineBytesMax = 24
        limits.methodBytesMax = 8
        limits.fieldBytesMax = "Host: a\r\nX: 56789\r\n".utf8.count
        let checked = CheckedLimits(limits)
        let whole = status(text, limits: limits)
        let bytes = Array(text.utf8)
        for cut in 1..<bytes.count {
            var parser = HeadParser()
            var seen: UInt16?
            do throws(RequestError) {
                for end in [cut, bytes.count] where seen == nil {
                    if try parser.parse(bytes.span.extracting(first: end), limits: checked) != nil { seen = 200 }
                }
            } catch {
                seen = error.status.code
            }
            #expect(seen == whole, "cut at \(cut)")
        }
    }

    @Test("as many fields as the limit are taken, one more is 431")
    func fieldCountLimit() {
        func head(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: count - 1) + "\r\n"
        }
        #expect(status(head(ProtocolLimits().fieldsMax)) == 200)
        #expect(status(head(ProtocolLimits().fieldsMax + 1)) == 431)
    }

    @Test("the head says how content and connection go on")
    func framing() throws {
        func parsed(_ fields: String, version: String = "1.1") throws -> ParsedHead {
            try #require(try parse("POST / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"))
        }
        #expect(try parsed("").content == .none)
        #expect(try parsed("Content-Length: 0\r\n").content == .none)
        #expect(try parsed("Content-Length: 012\r\n").content == .length(12))
        #expect(try parsed("Transfer-Encoding: Chunked\r\n").content == .chunked)
        #expect(try parsed("").keepsAlive)
        #expect(try !parsed("Connection: keep-alive, Close\r\n").keepsAlive)
        #expect(try !parsed("Connection: keep-alive\r\n", version: "1.0").keepsAlive)
        #expect(try parsed("Content-Length: 1\r\nExpect: 100-Continue\r\n").expectsContinue)
        #expect(try !parsed("Expect: 100-continue\r\n").expectsContinue, "there is no content to wait for")
        #expect(try !parsed("Content-Length: 1\r\nExpect: 100-continue\r\n", version: "1.0").expectsContinue)
    }

    @Test(
        "a path is split before it is decoded",
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/a/b%2Fc", ["a", "b/c"]),
            ("/a%252F", ["a%2F"]), ("/%E2%82%AC/+", ["\u{20AC}", "+"]), ("/a;b=c/@:", ["a;b=c", "@:"]),
        ])
    func segments(_ path: String, _ expected: [String]) throws {
        let head = try #require(try parse("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")).head
        #expect(head.segments == expected)
        #expect(head.path == path)
    }

    @Test(
        "a query is split before it is decoded",
        arguments: [
            ("", []), ("a=1&b=2", ["a", "1", "b", "2"]), ("a", ["a", ""]), ("a=&&=b", ["a", "", "", "b"]),
            ("a=1%262=x=y", ["a", "1&2=x=y"]), ("q=a+b%20c%2B", ["q", "a b c+"]),
            ("id={%22v%22:1}", ["id", "{\"v\":1}"]),
        ])
    func query(_ query: String, _ expected: [String]) throws {
        let head = try #require(try parse("GET /?\(query) HTTP/1.1\r\nHost: a\r\n\r\n")).head
        #expect(head.query.flatMap { [$0.name, $0.value] } == expected)
    }

    @Test("a target in absolute form overrides the Host field")
    func absoluteForm() throws {
        let head = try #require(try parse("GET http://b:81?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")).head
        #expect(head.authority == "b:81")
        #expect(head.path == "/")
        #expect(head.segments.isEmpty)
        #expect(head.query.map(\.name) == ["x"])
        #expect(try parse("GET / HTTP/1.1\r\nHost: a:1\r\n\r\n")?.head.authority == "a:1")
    }

    @Test("the parser is ready for the next head when one is complete")
    func reuse() throws {
        var parser = HeadParser()
        let limits = CheckedLimits(ProtocolLimits())
        let bytes = Array("GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\nGET /b HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
        let first = try #require(try parser.parse(bytes.span, limits: limits))
        #expect(parser.isAtStart)
        let rest = Array(bytes[first.consumed...])
        let second = try #require(try parser.parse(rest.span, limits: limits))
        #expect(second.head.path == "/b")
        #expect(second.head.headers.map(\.name) == ["Host"])
    }
}
