// Tokens of an identity provider at a server that runs.

import Foundation
import HTTP
import HTTPServer
import HTTPSupport
import JSON
import TestSupport
import Testing

@Suite("An identity provider", .serialized)
struct ProviderTests {
    /// Keys and tokens that another implementation made.
    private static func fixtures() throws -> JSONValue {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let url = tests.appending(path: "WebTokenTests/Fixtures/tokens.json")
        return try JSONValue(parsing: Array(Data(contentsOf: url)))
    }

    private static func text(_ json: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(json)
        return writer.bytes
    }

    private static func options(_ place: String) -> [String] {
        ["--oidc-issuer", "https://issuer.example", "--oidc-audience", "metaxy", "--oidc-jwks", place]
    }

    /// The tokens with a scope open what it opens, limited to their projects; the others open nothing.
    private static func check(_ server: ServerProcess, _ fixtures: JSONValue) async throws {
        let good = fixtures["good"]
        for name in ["RS256", "ES256", "no kid", "several audiences", "array of scopes"] {
            let token = try #require(good?[name]?.stringValue)
            #expect(try await server.send("GET", "/v1/projects", token: token).status == 200, "\(name)")
            #expect(try await server.send("POST", "/v1/push", "{}", token: token).status == 403, "\(name)")
        }
        #expect(try await server.send("GET", "/v1/projects", token: good?["no scopes"]?.stringValue).status == 403)
        let limited = good?["projects"]?.stringValue
        #expect(try await server.send("GET", "/v1/projects/video", token: limited).status == 404)
        #expect(try await server.send("GET", "/metrics", token: limited).status == 403)
        for (name, entry) in (fixtures["bad"]?.objectValue?.members ?? []).map({ ($0.name, $0.value) }) {
            let answer = try await server.send("GET", "/v1/projects", token: entry["token"]?.stringValue)
            #expect(answer.status == 401, "\(name)")
        }
    }

    @Test("tokens that the issuer signed open what their scopes say; the keys are in a file, or at a URL")
    func tokens() async throws {
        let fixtures = try Self.fixtures()
        let keys = Self.text(try #require(fixtures["keys"]))
        try await TestDatabase.with { database in
            let directory = try TestDirectory.create()
            let file = directory + "/keys.json"
            try Data(keys).write(to: URL(fileURLWithPath: file))
            let first = try ServerProcess(
                database: database.connectionString, dataDirectory: directory, options: Self.options(file),
                isOpen: false)
            try await Self.check(first, fixtures)
            #expect(first.stop() == 0)
            let provider = Application(
                protocolError: { status, _ in Response(status: status) },
                handler: { _ in Response(status: .ok, body: .bytes(keys)) })
            let server = Server(
                configuration: ServerConfiguration(host: "127.0.0.1", port: 0, loops: 1, limits: .patient, tls: nil),
                application: provider)
            let place = "http://127.0.0.1:\(try server.start().port)/keys"
            let second = try ServerProcess(
                database: database.connectionString, dataDirectory: directory, options: Self.options(place),
                isOpen: false)
            try await Self.check(second, fixtures)
            await server.drain(grace: .zero)
            // The keys that are known stay good while the provider is away.
            try await Self.check(second, fixtures)
            #expect(second.stop() == 0)
        }
    }

    @Test("settings that do not hold together, and a file without keys, end the start with 78 or 64")
    func settings() async throws {
        try await TestDatabase.with { database in
            let directory = try TestDirectory.create()
            func code(_ options: [String]) throws -> Int32 {
                try ServerProcess.exitCode(
                    database: database.connectionString, dataDirectory: directory, options: options)
            }
            #expect(try code(["--oidc-issuer", "https://issuer.example"]) == 64)
            #expect(try code(Self.options("http://issuer.example/keys")) == 64)
            #expect(try code(Self.options(directory + "/none.json")) == 78)
            try Data("{}".utf8).write(to: URL(fileURLWithPath: directory + "/empty.json"))
            #expect(try code(Self.options(directory + "/empty.json")) == 78)
        }
    }
}
