// What a handler experiences: cancellation, back-pressure, and peers that go away.

import HTTP
import HTTPServer
import HTTPSupport
import Synchronization
import Testing

@Suite("Handlers")
struct HandlerTests {
    /// Notes events from handlers, and lets a test wait for them.
    private final class Log: Sendable {
        private let events = Mutex<[String]>([])

        func note(_ event: String) {
            events.withLock { $0.append(event) }
        }

        func wait(for event: String, seconds: Double = 60) throws {
            let end = ContinuousClock.now + .seconds(seconds)
            while !events.withLock({ $0.contains(event) }) {
                guard ContinuousClock.now < end else { throw TestClient.TimedOut(description: event) }
                pauseBriefly()
            }
        }

        var all: [String] { events.withLock { $0 } }
    }

    /// An application whose only route waits until it is cancelled.
    private static func waiting(_ log: Log) -> Application {
        Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            log.note("started")
            do {
                try await Task.sleep(for: .seconds(60))
            } catch {
                log.note("cancelled")
            }
            return Response(status: .ok, body: .bytes(Array("late".utf8)))
        }
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("a handler is cancelled when its peer resets the connection")
    func reset() async throws {
        let log = Log()
        try await withServer(application: Self.waiting(log)) { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get)
            try log.wait(for: "started")
            client.reset()
            try log.wait(for: "cancelled")
        }
    }

    @Test("a handler is cancelled some time after its peer closed, and what it still answers is sent")
    func halfClose() async throws {
        let log = Log()
        var limits = ProtocolLimits.patient
        limits.halfCloseTime = .milliseconds(300)
        try await withServer(limits: limits, application: Self.waiting(log)) { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get)
            try log.wait(for: "started")
            let start = ContinuousClock.now
            client.finishSending()
            try log.wait(for: "cancelled")
            #expect(ContinuousClock.now - start >= .milliseconds(250))
            #expect(try client.answer().body == Array("late".utf8))
            #expect(try client.end() == .end)
        }
    }

    @Test("a handler reading content learns that the peer has gone")
    func contentBrokenOff() async throws {
        let log = Log()
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            do throws(BodyError) {
                _ = try await request.body.collect(max: 1_000)
            } catch {
                log.note("\(error)")
            }
            return Response(status: .ok)
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            client.finishSending()
            try log.wait(for: "disconnected")
        }
    }

    @Test("a writer learns that its peer has gone")
    func writeToNobody() async throws {
        let log = Log()
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { _ in
            Response(
                status: .ok,
                body: .stream { writer in
                    do throws(Disconnected) {
                        while true {
                            try await writer.write([UInt8](repeating: 0, count: 32_768))
                        }
                    } catch {
                        log.note("disconnected")
                        return .aborted
                    }
                })
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            try client.send(Self.get)
            guard case .bytes = client.read(seconds: 5) else { throw TestClient.TimedOut(description: "content") }
            client.reset()
            try log.wait(for: "disconnected")
        }
    }

    @Test("a writer waits for a slow reader")
    func backPressureDown() async throws {
        let written = Atomic<Int>(0)
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { _ in
            Response(
                status: .ok,
                body: .stream { writer in
                    do throws(Disconnected) {
                        for _ in 0..<2_000 {
                            try await writer.write([UInt8](repeating: 0, count: 32_768))
                            written.wrappingAdd(32_768, ordering: .relaxed)
                        }
                        return .finished
                    } catch {
                        return .aborted
                    }
                })
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port, receiveBuffer: 4_096)
            try client.send(Self.get)
            // The writer is at rest once it has written the same in two looks.
            var last = -1
            while last != written.load(ordering: .relaxed) || last == 0 {
                last = written.load(ordering: .relaxed)
                pauseBriefly(milliseconds: 200)
            }
            #expect(last < 1_000_000, "the queue, the kernel and a piece hold less; all of it is 65 MB")
            var count = 0
            while count < 65_536_000, case .bytes(let bytes) = client.read(seconds: 10) {
                count += bytes.count
            }
            #expect(count >= 65_536_000)
        }
    }

    @Test(
        "the next request is read after an answer that fills the queue, however fast that is taken",
        arguments: [
            false, true,
        ])
    func largeAnswers(isSecured: Bool) async throws {
        var limits = ProtocolLimits.patient
        limits.outputBytesMax = limits.pieceBytesMax
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            let size = Int(request.head.path.dropFirst()) ?? 0
            return Response(status: .ok, body: .bytes([UInt8](repeating: 0x61, count: size)))
        }
        try await withServer(limits: limits, application: application, tls: isSecured ? TLSTests.files : nil) {
            port, _ in
            // A small window makes the queue fill. Once in some thousand times what is left of it finds room while the
            // server still looks for the next request.
            let client = try TestClient(port: port, receiveBuffer: 65_536, tls: isSecured ? TestTLS() : nil)
            for number in 0..<(isSecured ? 2_000 : 10_000) {
                let size = 100_000 + number * 131 % 400_000
                try client.send("GET /\(size) HTTP/1.1\r\nHost: a\r\n\r\n")
                // The head comes whole with the first bytes.
                var count: Int?
                while count ?? 0 < size {
                    guard case .bytes(let bytes) = client.read(seconds: 20, max: isSecured ? 1 << 14 : 1 << 18) else {
                        throw TestClient.TimedOut(description: "answer \(number), of which \(count ?? 0) bytes came")
                    }
                    count = (count ?? -Self.headLength(bytes)) + bytes.count
                }
            }
        }
    }

    private static func headLength(_ bytes: [UInt8]) -> Int {
        bytes.indices.first { bytes[$0...].starts(with: Array("\r\n\r\n".utf8)) }.map { $0 + 4 } ?? 0
    }

    @Test("a sender waits for a slow handler")
    func backPressureUp() async throws {
        let gate = Mutex(false)
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            while !gate.withLock({ $0 }) {
                await Task.yield()
            }
            var count = 0
            do throws(BodyError) {
                while let piece = try await request.body.next() {
                    count += piece.count
                }
            } catch {
                return TestRoutes.problem(.badRequest, "\(error)")
            }
            return Response(status: .ok, body: .bytes(Array("\(count)".utf8)))
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            let total = 64 * 1024 * 1024
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
            let piece = [UInt8](repeating: 1, count: 1 << 20)
            var sent = 0
            do {
                while sent < total {
                    sent += try client.trySend(piece, from: 0, seconds: 0.5)
                }
            } catch is TestClient.TimedOut {
                gate.withLock { $0 = true }
            }
            #expect(sent < 16_000_000, "the sender was held up while the handler did not read")
            while sent < total {
                sent += try client.trySend(piece, from: max(0, piece.count - (total - sent)), seconds: 10)
            }
            #expect(try client.answer().body == Array("\(total)".utf8))
        }
    }

    @Test("content is given once, whether it came with its head or after it", arguments: [false, true])
    func once(isLate: Bool) async throws {
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            do throws(BodyError) {
                let first = try await request.body.collect(max: 10)
                let second = try await request.body.collect(max: 10)
                let third = try await request.body.next()
                return Response(status: .ok, body: .bytes(first + second + (third ?? []) + [UInt8(ascii: ".")]))
            } catch {
                return TestRoutes.problem(.conflict, "\(error)")
            }
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            if isLate {
                try client.send(head)
                #expect(try client.readOnce(seconds: 60))
                #expect(client.stream.answers.map(\.status) == [100])
                try client.send("abc")
            } else {
                try client.send(head + "abc")
            }
            let answer = try client.answer()
            #expect(answer.status == 200)
            #expect(answer.body == Array("abc.".utf8))
        }
    }

    @Test("a handler that outlives its request reaches nothing with it")
    func stale() async throws {
        let bodies = Mutex<[RequestBody]>([])
        let application = Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
            let earlier = bodies.withLock { bodies in
                defer { bodies.append(request.body) }
                return bodies.first
            }
            do throws(BodyError) {
                if let earlier { _ = try await earlier.next() }
                return Response(status: .ok, body: .bytes(try await request.body.collect(max: 10)))
            } catch {
                return TestRoutes.problem(.conflict, "\(error)")
            }
        }
        try await withServer(application: application) { port, _ in
            let client = try TestClient(port: port)
            // In chunks, since content of a known length that comes with its head belongs to the request from the start.
            let post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            try client.send(post + post)
            #expect(try client.answer(1).status == 200)
            let second = try client.answer(2)
            #expect(second.status == 409)
            #expect(String(decoding: second.body, as: UTF8.self).contains("disconnected"))
        }
        // They hold the server, whose application holds them.
        bodies.withLock { $0 = [] }
    }
}
