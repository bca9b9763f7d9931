// TLS: versions, certificates, resumption, reload, and peers that stall.

import Foundation
import HTTP
import HTTPServer
import HTTPSupport
import Sockets
import Synchronization
import Testing

@Suite("TLS")
struct TLSTests {
    private static let get = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    static let files = TLSConfiguration(
        certificateChainPath: TLSFiles.path("server.pem"), privateKeyPath: TLSFiles.path("server.key"))

    @Test(
        "both versions are spoken, and http/1.1 is chosen where protocols are offered",
        arguments: [0x0303, 0x0304] as [Int32])
    func versions(_ version: Int32) async throws {
        try await withServer(tls: Self.files) { port, _ in
            var settings = TestTLS()
            settings.versions = version...version
            settings.protocols = ["h2", "http/1.1"]
            let client = try TestClient(port: port, tls: settings)
            try client.send(Self.get + Self.get)
            #expect(try client.answer(2).status == 200)
            #expect(client.tlsFacts?.version == (version == 0x0303 ? "TLSv1.2" : "TLSv1.3"))
            #expect(client.tlsFacts?.chosen == "http/1.1")
            #expect(client.tlsFacts?.server == "server.test")
        }
    }

    @Test("versions before 1.2 and protocols other than http/1.1 are refused, without harm to others")
    func refusals() async throws {
        try await withServer(tls: Self.files) { port, server in
            var old = TestTLS()
            old.versions = 0x0301...0x0302
            #expect(throws: TestClient.Broken.self) { try TestClient(port: port, tls: old) }
            var other = TestTLS()
            other.protocols = ["h2"]
            #expect(throws: TestClient.Broken.self) { try TestClient(port: port, tls: other) }
            let plain = try TestClient(port: port)
            try plain.send(Self.get)
            // An alert, which is no answer, or nothing; then the end.
            while case .bytes = plain.read(seconds: 5) {}
            #expect(plain.isClosed)
            try waitUntil("the refused are gone") { server.connections == 0 }
            let client = try TestClient(port: port, tls: TestTLS())
            try client.send(Self.get)
            #expect(try client.answer().status == 200)
        }
    }

    @Test("clients need a certificate of the authorities where those are set", arguments: [0x0303, 0x0304] as [Int32])
    func clientCertificates(_ version: Int32) async throws {
        var files = Self.files
        files.clientAuthoritiesPath = TLSFiles.path("ca.pem")
        try await withServer(tls: files) { port, _ in
            @Sendable func answer(_ certificate: String?) throws -> Int {
                var settings = TestTLS()
                settings.versions = version...version
                settings.certificate = certificate
                let client = try TestClient(port: port, tls: settings)
                try client.send(Self.get)
                return try client.answer().status
            }
            let status = try answer("client")
            #expect(status == 200)
            #expect(throws: TestClient.Broken.self) { try answer(nil) }
            #expect(throws: TestClient.Broken.self) { try answer("stranger") }
        }
    }

    @Test(
        "sessions resume, also after the certificate was replaced; open connections go on",
        arguments: [0x0303, 0x0304] as [Int32])
    func resumeAndReload(_ version: Int32) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func install(_ name: String) throws {
            for type in ["pem", "key"] {
                let data = try Data(contentsOf: URL(filePath: TLSFiles.path("\(name).\(type)")))
                try data.write(to: directory.appending(path: "current.\(type)"))
            }
        }
        try install("server")
        let files = TLSConfiguration(
            certificateChainPath: directory.appending(path: "current.pem").path,
            privateKeyPath: directory.appending(path: "current.key").path)
        let server = Server(
            configuration: ServerConfiguration(host: "127.0.0.1", port: 0, loops: 1, limits: .patient, tls: files),
            application: TestRoutes.application)
        let port = try server.start().port
        let (connected, signal) = AsyncStream.makeStream(of: Void.self)
        let isReloaded = Mutex(false)
        async let clients: Void = onThread {
            defer { signal.finish() }
            var settings = TestTLS()
            settings.versions = version...version
            let first = try TestClient(port: port, tls: settings)
            try first.send(Self.get)
            try first.answer(1)
            #expect(first.tlsFacts?.isResumed == false)
            let second = try TestClient(port: port, tls: settings, resuming: first)
            try second.send(Self.get)
            try second.answer(1)
            #expect(second.tlsFacts?.isResumed == true)
            signal.finish()
            try waitUntil("the certificate is replaced") { isReloaded.withLock { $0 } }
            try first.send(Self.get)
            #expect(try first.answer(2).status == 200)
            let fresh = try TestClient(port: port, tls: settings)
            #expect(fresh.tlsFacts?.server == "other.test")
            let third = try TestClient(port: port, tls: settings, resuming: second)
            try third.send(Self.get)
            #expect(try third.answer(1).status == 200)
            #expect(third.tlsFacts?.isResumed == true)
        }
        for await _ in connected {}
        try install("other")
        try await server.reloadTLS()
        isReloaded.withLock { $0 = true }
        try await clients
        try Data("nonsense".utf8).write(to: directory.appending(path: "current.pem"))
        await #expect(throws: ServerError.self) { try await server.reloadTLS() }
        await server.drain(grace: .zero)
    }

    @Test("a handshake that stalls is cut off at its deadline and holds nobody up")
    func stalledHandshake() async throws {
        var limits = ProtocolLimits.patient
        limits.handshakeTime = .milliseconds(300)
        try await withServer(limits: limits, tls: Self.files) { port, _ in
            let stalled = try TestClient(port: port)
            try stalled.send([0x16, 0x03, 0x01, 0x02, 0x00])
            let client = try TestClient(port: port, tls: TestTLS())
            try client.send(Self.get)
            try client.answer()
            #expect(stalled.read(seconds: 5) == .end)
        }
    }

    @Test("content of any size goes both ways", arguments: [1, 16_384, 16_385, 1_048_576])
    func content(_ size: Int) async throws {
        try await withServer(tls: Self.files) { port, _ in
            let client = try TestClient(port: port, tls: TestTLS())
            let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 131) }
            try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            var sent = 0
            while sent < size {
                sent += try client.trySend(content, from: sent, seconds: 10)
            }
            #expect(try client.answer().body == content)
        }
    }

    @Test("a client that says it has sent all is answered")
    func halfClose() async throws {
        try await withServer(application: TestRoutes.applicationOfTasks, tls: Self.files) { port, _ in
            let client = try TestClient(port: port, tls: TestTLS())
            try client.send(Self.get)
            client.finishSending()
            #expect(try client.answer().status == 200)
            #expect(try client.end() == .end)
        }
    }

    @Test("files that are missing or do not belong together keep a server from starting")
    func badFiles() {
        for (chain, key) in [("server.pem", "other.key"), ("none.pem", "server.key"), ("server.pem", "none.key")] {
            let files = TLSConfiguration(
                certificateChainPath: TLSFiles.path(chain), privateKeyPath: TLSFiles.path(key))
            let server = Server(
                configuration: ServerConfiguration(host: "127.0.0.1", port: 0, loops: 1, limits: .patient, tls: files),
                application: TestRoutes.application)
            #expect(throws: ServerError.self) { try server.start() }
        }
    }
}
