// Stopping, and starting where somebody else listens.

import HTTP
import HTTPServer
import HTTPSupport
import Synchronization
import Testing

@Suite("Starting and stopping")
struct ShutdownTests {
    private static let get = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Holds requests to `/hold` until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)
        private let waiting = Atomic<Int>(0)

        var count: Int { waiting.load(ordering: .relaxed) }

        func open() {
            isOpen.withLock { $0 = true }
        }

        func application() -> Application {
            Application(protocolError: { TestRoutes.problem($0, $1) }) { request in
                self.waiting.wrappingAdd(1, ordering: .relaxed)
                while !self.isOpen.withLock({ $0 }), !Task.isCancelled {
                    await Task.yield()
                }
                return Response(status: Task.isCancelled ? .serviceUnavailable : .ok)
            }
        }
    }

    private static func server(_ application: Application, port: Int = 0) -> Server {
        Server(
            configuration: ServerConfiguration(host: "127.0.0.1", port: port, loops: 2, limits: .patient),
            application: application)
    }

    @Test("draining lets the request in work finish, closes idle connections at once and takes no new ones")
    func drain() async throws {
        let gate = Gate()
        let server = Self.server(gate.application())
        let port = try server.start().port
        let (inWork, signal) = AsyncStream.makeStream(of: Void.self)
        async let clients: Void = onThread {
            defer { signal.finish() }
            let working = try TestClient(port: port)
            let idle = try TestClient(port: port)
            try working.send(Self.get + Self.get)
            try waitUntil("the request is in work") { gate.count == 1 }
            signal.finish()
            #expect(try idle.end() == .end)
            #expect(throws: TestClient.Broken.self) { _ = try TestClient(port: port) }
            gate.open()
            let answer = try working.answer()
            #expect(answer.status == 200)
            #expect(answer.field("connection") == "close")
            #expect(try working.end() == .end)
            #expect(working.stream.answers.count == 1, "the pipelined request was not taken")
        }
        for await _ in inWork {}
        await server.drain(grace: .seconds(20))
        try await clients
        #expect(server.connections == 0)
    }

    @Test("a request that does not finish within the grace is cancelled")
    func grace() async throws {
        let gate = Gate()
        let server = Self.server(gate.application())
        let port = try server.start().port
        let (inWork, signal) = AsyncStream.makeStream(of: Void.self)
        async let client: Void = onThread {
            defer { signal.finish() }
            let client = try TestClient(port: port)
            try client.send(Self.get)
            try waitUntil("the request is in work") { gate.count == 1 }
            signal.finish()
            #expect(try client.end() == .reset)
        }
        for await _ in inWork {}
        // The gate stays shut: if nobody cancelled the request, this would not return.
        await server.drain(grace: .milliseconds(200))
        try await client
        #expect(server.connections == 0)
    }

    @Test("a port that somebody listens at is not shared")
    func portTaken() async throws {
        let first = Self.server(TestRoutes.application)
        let port = try first.start().port
        #expect(throws: ServerError.self) { try Self.server(TestRoutes.application, port: port).start() }
        await first.drain(grace: .zero)
        let second = Self.server(TestRoutes.application, port: port)
        #expect(try second.start().port == port, "and is free again afterwards")
        await second.drain(grace: .zero)
    }

    @Test("an address that is not this machine's is refused", arguments: ["192.0.2.1", "no such host"])
    func badAddress(_ host: String) {
        let configuration = ServerConfiguration(host: host, port: 0, loops: 1, limits: .patient)
        let server = Server(configuration: configuration, application: TestRoutes.application)
        #expect(throws: ServerError.self) { try server.start() }
    }

    @Test("a server can be drained twice, and without having started")
    func drainTwice() async throws {
        let server = Self.server(TestRoutes.application)
        await server.drain(grace: .zero)
        let other = Self.server(TestRoutes.application)
        _ = try other.start()
        await other.drain(grace: .zero)
        await other.drain(grace: .zero)
    }
}
