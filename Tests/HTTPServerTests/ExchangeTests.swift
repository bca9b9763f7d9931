// Requests and answers over a socket, where no case of the file says it all.

import HTTP
import HTTPServer
import HTTPSupport
import Synchronization
import Testing

@Suite("Exchanges")
struct ExchangeTests {
    static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
    }

    static func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("pipelined requests are answered in order, whoever answers them", arguments: [1, 2, 500])
    func pipelining(_ count: Int) async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send((0..<count).map { Self.post("/echo", "\($0)") + Self.get("/livez") }.joined())
            try client.answer(2 * count)
            let bodies = client.stream.answers.map { String(decoding: $0.body, as: UTF8.self) }
            #expect(bodies == (0..<count).flatMap { ["\($0)", "ok\n"] })
        }
    }

    @Test("content is echoed whole, in any framing", arguments: [0, 1, 1_000, 70_000, 1_048_576])
    func echo(_ size: Int) async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            try client.send(content)
            #expect(try client.answer(1).body == content)
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in stride(from: 0, to: size, by: 30_000) {
                let chunk = Array(content[start..<min(start + 30_000, size)])
                try client.send(Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8))
            }
            try client.send("0\r\n\r\n" + Self.get("/livez"))
            #expect(try client.answer(2).body == content)
            #expect(try client.answer(3).status == 200)
        }
    }

    @Test("content over a route's limit is refused on its announcement, without 100 Continue")
    func tooLarge() async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n")
            #expect(try client.answer().status == 413)
            #expect(client.stream.answers.count == 1)
            #expect(client.stream.answers[0].field("connection") == "close")
            try client.end()
        }
    }

    @Test(
        "an answer to HEAD has the fields of GET and no content",
        arguments: ["/livez", "/large?bytes=20000", "/stream?bytes=9"])
    func head(_ path: String) async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port, heads: [0])
            try client.send("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get(path))
            let get = try client.answer(2)
            let head = try client.answer(1)
            #expect(head.body.isEmpty && !get.body.isEmpty)
            #expect(head.field("content-length") == get.field("content-length"))
            #expect(head.field("transfer-encoding") == get.field("transfer-encoding"))
        }
    }

    @Test("HTTP/1.0 is answered and closed; streamed content ends with the connection")
    func http10() async throws {
        try await withServer { port, _ in
            let plain = try TestClient(port: port)
            try plain.send("GET /livez HTTP/1.0\r\n\r\n")
            #expect(try plain.answer().field("connection") == "close")
            #expect(try plain.end() == .end)
            let streamed = try TestClient(port: port)
            try streamed.send("GET /stream?bytes=100000 HTTP/1.0\r\n\r\n")
            var bytes: [UInt8] = []
            while case .bytes(let more) = streamed.read(seconds: 5) {
                bytes += more
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let head = try #require(text.firstRange(of: "\r\n\r\n"))
            #expect(text[head.upperBound...].utf8.count == 100_000)
            #expect(!text[..<head.lowerBound].contains("Transfer-Encoding"))
        }
    }

    @Test("streamed content arrives whole", arguments: [0, 1, 65_536, 10_000_000])
    func stream(_ size: Int) async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send("GET /stream?bytes=\(size) HTTP/1.0\r\n\r\n")
            var count = 0
            while case .bytes(let bytes) = client.read(seconds: 10) {
                count += bytes.count
            }
            #expect(count > size && count < size + 200)
        }
    }

    @Test("content that breaks off has no last chunk, and the connection closes")
    func aborted() async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get("/abort") + Self.get("/livez"))
            #expect(try client.end() == .end)
            #expect(client.stream.answers.isEmpty)
            #expect(String(decoding: client.stream.rest, as: UTF8.self).hasSuffix("\r\n\r\n4\r\nhalf\r\n"))
        }
    }

    @Test("a value from outside cannot start a line of the answer")
    func splitting() async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send(
                Self.get("/headers?x=a%0D%0ASet-Cookie:%20b%0D%0A%0D%0AHTTP/1.1%20200%20OK") + Self.get("/livez"))
            let answer = try client.answer(1)
            #expect(answer.field("set-cookie") == nil)
            #expect(answer.field("x-given") == "a  Set-Cookie: b    HTTP/1.1 200 OK")
            #expect(try client.answer(2).body == Array("ok\n".utf8))
        }
    }

    @Test("Date moves with the clock")
    func date() async throws {
        try await withServer { port, _ in
            var dates: Set<String> = []
            let end = ContinuousClock.now + .seconds(4)
            while dates.count < 3, ContinuousClock.now < end {
                let client = try TestClient(port: port)
                try client.send(Self.get("/livez"))
                dates.insert(try #require(try client.answer().field("date")))
            }
            #expect(dates.count == 3)
        }
    }

    @Test("every answer has a Date and none says what serves it", arguments: ["/livez", "/none", "/echo"])
    func fields(_ path: String) async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get(path) + "bad\r\n\r\n")
            for number in 1...2 {
                let answer = try client.answer(number)
                #expect(answer.field("date") != nil)
                #expect(answer.field("server") == nil)
            }
        }
    }

    @Test("the handler learns the peer's address")
    func remote() async throws {
        let seen = Mutex("")
        let application = Application(
            protocolError: { TestRoutes.problem($0, $1) },
            handler: { request in
                seen.withLock { $0 = request.remote }
                return Response(status: .ok)
            })
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get("/"))
            try client.answer()
        }
        #expect(seen.withLock { $0 }.wholeMatch(of: /127\.0\.0\.1:\d+/) != nil)
    }

    @Test("a handler that answers without reading leaves a connection that works, or says that it closes")
    func unread() async throws {
        try await withServer { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.post("/livez", String(repeating: "x", count: 65_536)) + Self.get("/livez"))
            #expect(try client.answer(1).status == 405)
            #expect(try client.answer(2).status == 200)
            try client.send(Self.post("/livez", String(repeating: "x", count: 65_537)) + Self.get("/livez"))
            #expect(try client.answer(3).field("connection") == "close")
            try client.end()
            #expect(client.stream.answers.count == 3)
        }
    }
}
