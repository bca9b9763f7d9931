// Starting, stopping and starting again with the embedded PostgreSQL.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Lifecycle", .serialized)
struct LifecycleTests {
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}}]}
        """

    @Test("what was acknowledged is there after a stop and after a crash; a stop on request exits with 0")
    func keepsWhatItAcknowledged() async throws {
        let directory = try TestDirectory.create()
        let first = try ServerProcess(database: nil, dataDirectory: directory)
        #expect(try await first.send("POST", "/v1/push", Self.graph).status == 201)
        #expect(try await HTTPClient.text(first.url + "/readyz").contains("ok"))
        #expect(first.stop() == 0)
        let second = try ServerProcess(database: nil, dataDirectory: directory)
        #expect(try await second.send("POST", "/v1/push", Self.graph).status == 200)
        let written = try await second.send(
            "POST", "/v1/records/root", #"{"records":[{"id":1,"metaxy_provenance_by_field":{"x":"1"}}]}"#)
        #expect(written.json.number("new") == 1)
        second.crash()
        let third = try ServerProcess(database: nil, dataDirectory: directory)
        let records = try await third.send("GET", "/v1/records/root").json["records"]?.arrayValue
        #expect(records?.count == 1)
        #expect(third.stop() == 0)
    }

    @Test("health and metrics have an address of their own, where nobody is asked for a token")
    func administration() async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create(),
                options: ["--admin-listen", "127.0.0.1:0"])
            let admin = try #require(server.line(2).split(separator: " ").last.map(String.init))
            #expect(try await HTTPClient.text(admin + "/readyz?verbose").contains("[+] database: ok\n"))
            let metrics = try await HTTPClient.text(admin + "/metrics")
            for name in [
                "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                "process_threads", "http_server_connections_open",
            ] {
                let value = metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }?.split(separator: " ")
                    .last
                #expect((value.flatMap { Double($0) } ?? -1) >= 0, "\(name)")
            }
            #expect(
                try await HTTPClient.send("GET", admin + "/v1/projects", nil, type: "application/json").status == 404)
            #expect(server.stop() == 0)
        }
    }

    @Test("a waiting claim is answered when the server is asked to stop")
    func endsWaiting() async throws {
        try await TestDatabase.with { database in
            let directory = try TestDirectory.create()
            let server = try ServerProcess(database: database.connectionString, dataDirectory: directory)
            let graph = """
                {"project":"p","features":[
                {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
                {"spec":{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}}]}
                """
            #expect(try await server.send("POST", "/v1/push", graph).status == 201)
            let target = SendableServer(url: server.url)
            async let waiting = target.send(
                "POST", "/v1/claims", #"{"feature":"leaf","worker":"w","limit":1,"lease_seconds":60,"wait_seconds":50}"#
            )
            // The claim waits once the server counts a waiter.
            while try await !HTTPClient.text(server.url + "/metrics").contains("metaxy_claims_waiting 1") {
                await Task.yield()
            }
            #expect(server.stop() == 0)
            #expect(try await waiting == 204)
        }
    }
}
