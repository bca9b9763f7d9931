// HTTP and TLS as the program serves them: the conformance and abuse cases, and certificates that change.

import Foundation
import HTTPSupport
import TestSupport
import Testing

@Suite("HTTP, as the program serves it")
struct ServedHTTPTests {
    private static let get = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(
        "each case is answered as it should be, plain and over TLS, by a path that does not exist and by one that does")
    func cases() async throws {
        try await TestDatabase.with { database in
            for options in [[], Self.tls("server")] {
                let server = try ServerProcess(
                    database: database.connectionString, dataDirectory: try TestDirectory.create(), options: options)
                defer { server.stop() }
                let tls = options.isEmpty ? nil : TestTLS()
                for route in ["/echo", "/v1/push"] {
                    let faults = try await HTTPCase.playAll(port: try server.port, tls: tls, route: route)
                    #expect(faults == [], "\(options) \(route)")
                }
            }
        }
    }

    @Test("SIGHUP brings in another certificate; open connections go on, and files that cannot be read change nothing")
    func reload() async throws {
        try await TestDatabase.with { database in
            let directory = URL(filePath: try TestDirectory.create())
            try Self.install("server", in: directory)
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: directory.path, options: Self.tls(in: directory))
            defer { server.stop() }
            #expect(server.url.hasPrefix("https://"))
            let port = try server.port
            let first = try TestClient(port: port, tls: TestTLS())
            try first.send(Self.get)
            try first.answer(1)
            #expect(first.tlsFacts?.server == "server.test")
            try Data("nonsense".utf8).write(to: directory.appending(path: "current.key"))
            server.reload()
            try Self.install("other", in: directory)
            server.reload()
            try waitUntil("new connections have the new certificate") {
                do {
                    return try TestClient(port: port, tls: TestTLS()).tlsFacts?.server == "other.test"
                } catch {
                    Issue.record("the server does not serve while it reads its files: \(error)")
                    return true
                }
            }
            try first.send(Self.get)
            #expect(try first.answer(2).status == 200)
        }
    }

    @Test("clients without a certificate are refused where authorities are given")
    func clientCertificates() async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create(),
                options: Self.tls("server") + ["--tls-client-ca", TLSFiles.path("ca.pem")])
            defer { server.stop() }
            var settings = TestTLS()
            settings.versions = 0x0303...0x0303
            #expect(throws: TestClient.Broken.self) { try TestClient(port: try server.port, tls: settings) }
            settings.certificate = "client"
            let client = try TestClient(port: try server.port, tls: settings)
            try client.send(Self.get)
            #expect(try client.answer().status == 200)
        }
    }

    @Test(
        "files that do not fit end the start with 78, options that do not with 64",
        arguments: [
            (["--tls-cert", "/nowhere", "--tls-key", "/nowhere"], 78),
            (["--tls-cert", TLSFiles.path("server.pem"), "--tls-key", TLSFiles.path("other.key")], 78),
            (["--tls-cert", TLSFiles.path("server.pem")], 64), (["--tls-client-ca", TLSFiles.path("ca.pem")], 64),
        ] as [([String], Int32)])
    func refusedOptions(_ options: [String], _ code: Int32) async throws {
        try await TestDatabase.with { database in
            let directory = try TestDirectory.create()
            let ended = try ServerProcess.exitCode(
                database: database.connectionString, dataDirectory: directory, options: options)
            #expect(ended == code)
        }
    }

    private static func tls(_ name: String) -> [String] {
        ["--tls-cert", TLSFiles.path("\(name).pem"), "--tls-key", TLSFiles.path("\(name).key")]
    }

    private static func tls(in directory: URL) -> [String] {
        [
            "--tls-cert", directory.appending(path: "current.pem").path, "--tls-key",
            directory.appending(path: "current.key").path,
        ]
    }

    private static func install(_ name: String, in directory: URL) throws {
        for type in ["pem", "key"] {
            let data = try Data(contentsOf: URL(filePath: TLSFiles.path("\(name).\(type)")))
            try data.write(to: directory.appending(path: "current.\(type)"), options: .atomic)
        }
    }
}
