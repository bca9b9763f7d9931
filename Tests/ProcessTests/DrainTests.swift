// What a server that was asked to stop still does, and what no more.

import Foundation
import HTTPSupport
import JSON
import TestSupport
import Testing

@Suite("Stopping", .serialized)
struct DrainTests {
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
        {"spec":{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}},
        {"spec":{"key":"last","id_columns":["id"],"deps":[{"feature":"leaf"}],"fields":[{"key":"z","code_version":"1"}]}}]}
        """
    /// More than the sockets between server and client hold, so that the answer cannot end before it is read.
    private static let (rowCount, padding) = (12_000, String(repeating: "x", count: 600))

    private static func rows(_ prefix: String, _ count: Int) -> String {
        (0..<count).map { number in
            #"{"id":"\#(prefix)-\#(number)","path":"\#(padding)","metaxy_provenance_by_field":{"x":"1"}}"# + "\n"
        }.joined()
    }

    private static func head(_ method: String, _ path: String, _ fields: [String] = []) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Sends a request with a connection of its own.
    private static func answer(
        _ server: ServerProcess, _ method: String, _ path: String, _ body: String? = nil
    ) throws -> Answer {
        let client = try TestClient(port: try server.port)
        let fields = body.map { ["Content-Type: application/json", "Content-Length: \($0.utf8.count)"] } ?? []
        try client.send(head(method, path, fields) + (body ?? ""))
        return try client.answer()
    }

    /// Waits until so many requests are being answered, the question itself among them.
    private static func waitForRequests(_ count: Int, at url: String) async throws {
        while try await !HTTPClient.text(url + "/metrics").contains("http_server_requests_in_flight \(count)\n") {
            await Task.yield()
        }
    }

    @Test(
        "who waits is answered, claims are refused with 503, reports are taken until the delay ends; the exit code is 0"
    )
    func delay() async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create(),
                options: ["--drain-delay", "8"])
            #expect(try await server.send("POST", "/v1/push", Self.graph).status == 201)
            let written = try await server.send(
                "POST", "/v1/records/root", Self.rows("a", 2), type: "application/x-ndjson")
            #expect(written.json.number("new") == 2)
            let ask = #"{"feature":"leaf","worker":"w","limit":1,"lease_seconds":60}"#
            let claim = try await server.send("POST", "/v1/claims", ask)
            #expect(claim.status == 201)
            let id = try #require(claim.json.number("claim_id")), token = try #require(claim.json.number("token"))
            let record = try #require(claim.json["records"]?.arrayValue?.first?["id"]?.stringValue)
            let target = SendableServer(url: server.url)
            // Nothing can be done for `last` before `leaf`.
            async let waiting = target.send(
                "POST", "/v1/claims", #"{"feature":"last","worker":"w","wait_seconds":50}"#)
            async let reading = target.send("GET", "/v1/events?after=latest&wait_seconds=50", nil)
            try await Self.waitForRequests(3, at: server.url)
            server.askToStop()
            #expect(try await waiting == 204)
            #expect(try await reading == 200)
            let ready = try Self.answer(server, "GET", "/readyz")
            #expect(ready.status == 503 && ready.field("retry-after") == "1")
            #expect(String(decoding: ready.body, as: UTF8.self).contains("the server is stopping"))
            #expect(try Self.answer(server, "GET", "/livez").status == 200)
            for body in [ask, #"{"feature":"leaf","worker":"w","wait_seconds":50}"#] {
                let refused = try Self.answer(server, "POST", "/v1/claims", body)
                #expect(refused.status == 503 && refused.field("retry-after") == "1")
                #expect(try JSONValue(parsing: refused.body)["code"]?.stringValue == "not_ready")
            }
            let beat = try Self.answer(server, "POST", "/v1/claims/\(id)/heartbeat", #"{"token":\#(token)}"#)
            #expect(beat.status == 200)
            let report = #"{"token":\#(token),"records":[{"id":"\#(record)"}]}"#
            let completed = try Self.answer(server, "POST", "/v1/claims/\(id)/complete", report)
            #expect(completed.status == 200)
            #expect(server.exitCode() == 0)
            let next = try ServerProcess(database: database.connectionString, dataDirectory: try TestDirectory.create())
            let history = try await next.send("GET", "/v1/records/leaf")
            #expect(history.json["records"]?.arrayValue?.count == 1)
            #expect(
                try await next.send("POST", "/v1/claims", ask).status == 201, "the other record is still to be done")
            #expect(next.stop() == 0)
        }
    }

    @Test("a body and an answer that are being streamed are streamed to their ends; nobody else gets in")
    func streams() async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create(),
                options: ["--admin-listen", "127.0.0.1:0"])
            let admin = try #require(server.line(2).split(separator: " ").last.map(String.init))
            #expect(try await server.send("POST", "/v1/push", Self.graph).status == 201)
            let written = try await server.send(
                "POST", "/v1/records/root", Self.rows("a", Self.rowCount), type: "application/x-ndjson")
            #expect(written.json.number("new") == Int64(Self.rowCount))

            let reader = try TestClient(port: try server.port, receiveBuffer: 4_096)
            try reader.send(Self.head("GET", "/v1/records/root", ["Accept: application/x-ndjson"]))
            var received = Self.bytes(of: reader.read(seconds: 60, max: 1_024))
            let writer = try TestClient(port: try server.port)
            let body = Array(Self.rows("b", 200).utf8)
            try writer.send(
                Self.head(
                    "POST", "/v1/records/root", ["Content-Type: application/x-ndjson", "Content-Length: \(body.count)"])
            )
            // Half of the body, and half of a line.
            try writer.send(Array(body[..<(body.count / 2)]))
            try await Self.waitForRequests(3, at: admin)

            server.askToStop()
            while try await HTTPClient.text(admin + "/readyz") == "ok\n" { await Task.yield() }
            let port = try server.port
            try waitUntil("nobody else gets in") {
                do {
                    _ = try TestClient(port: port)
                    return false
                } catch {
                    return true
                }
            }
            try await Self.waitForRequests(3, at: admin)
            try writer.send(Array(body[(body.count / 2)...]))
            let answer = try writer.answer()
            #expect(answer.status == 200 && answer.field("connection") == "close")
            #expect(try JSONValue(parsing: answer.body).number("new") == 200)
            reading: while true {
                switch reader.read(seconds: 60) {
                case .bytes(let bytes): received += bytes
                case .end: break reading
                case .reset, .nothing:
                    Issue.record("the answer breaks off after \(received.count) bytes")
                    break reading
                }
            }
            var stream = AnswerStream()
            try stream.receive(received)
            let lines = try #require(stream.answers.first, "the last chunk is missing").body.count { $0 == 10 }
            #expect(lines >= Self.rowCount)
            #expect(server.exitCode() == 0)
            let next = try ServerProcess(database: database.connectionString, dataDirectory: try TestDirectory.create())
            let status = try await next.send("GET", "/v1/status").json["features"]?.arrayValue ?? []
            let root = status.first { $0["feature"]?.stringValue == "root" }
            #expect(root?.number("records") == Int64(Self.rowCount + 200))
            #expect(next.stop() == 0)
        }
    }

    private static func bytes(of read: TestClient.Read) -> [UInt8] {
        if case .bytes(let bytes) = read { bytes } else { [] }
    }
}
