// Signals at any moment.

import Glibc
import TestSupport
import Testing

@Suite("Signals", .serialized)
struct SignalTests {
    private static func server(_ database: TestDatabase, _ options: [String] = []) throws -> ServerProcess {
        try ServerProcess(
            database: database.connectionString, dataDirectory: try TestDirectory.create(), options: options)
    }

    @Test("a server that has said where it listens heeds signals: it ends with 0, and reads its settings again")
    func atOnce() async throws {
        try await TestDatabase.with { database in
            for _ in 0..<12 { #expect(try Self.server(database).stop() == 0) }
            for _ in 0..<4 {
                let server = try Self.server(database)
                server.reload()
                #expect(try await HTTPClient.text(server.url + "/readyz") == "ok\n")
                #expect(server.stop() == 0)
            }
        }
    }

    @Test("a second signal ends a server that is stopping")
    func twice() async throws {
        try await TestDatabase.with { database in
            let server = try Self.server(database, ["--drain-delay", "300"])
            server.askToStop()
            while try await HTTPClient.text(server.url + "/readyz") == "ok\n" { await Task.yield() }
            server.askToStop()
            #expect(server.exitCode() == SIGTERM)
        }
    }
}
