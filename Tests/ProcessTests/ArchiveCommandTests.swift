// metaxyd export and import, as a user runs them.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Archives of a process", .serialized)
struct ArchiveCommandTests {
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"a/root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
        {"spec":{"key":"a/leaf","id_columns":["id"],"deps":[{"feature":"a/root"}],"fields":[{"key":"y","code_version":"1"}]}}]}
        """
    private static let rows = #"{"records":[{"id":"r1","metaxy_provenance_by_field":{"x":"1"}}]}"#

    @Test(
        "an archive of a server that runs becomes the database of another, plain or compressed", arguments: ["", ".gz"])
    func moved(ending: String) async throws {
        let (from, to) = (try TestDirectory.create(), try TestDirectory.create())
        let server = try ServerProcess(database: nil, dataDirectory: from, isOpen: false)
        let secret = try String(contentsOfFile: from + "/admin-token", encoding: .utf8)
            .trimmingCharacters(in: .newlines)
        #expect(try await server.send("POST", "/v1/push", Self.graph, token: secret).status == 201)
        #expect(try await server.send("POST", "/v1/records/a/root", Self.rows, token: secret).status == 200)
        let file = from + "/archive.ndjson" + ending
        #expect(try ServerProcess.run(["export", file, "--data-dir", from]).code == 0)
        #expect(try ServerProcess.run(["export", file, "--data-dir", from]).code == 1, "it would be overwritten")
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(!FileManager.default.fileExists(atPath: file + ".part"))
        let lineage = try await server.send("GET", "/v1/records/a/root?history=true", token: secret).json
        #expect(server.stop() == 0)

        let whole = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect((whole.first == 0x1F) == (ending == ".gz"))
        let cut = from + "/cut" + ending
        try whole.dropLast(whole.count / 3).write(to: URL(fileURLWithPath: cut))
        #expect(try ServerProcess.run(["import", cut, "--data-dir", to]).code == 1)
        #expect(try ServerProcess.run(["import", file, "--data-dir", to]).code == 0)
        #expect(try ServerProcess.run(["import", file, "--data-dir", to]).code == 1, "it is not empty any more")

        // The token is there by its name; the old secret is not.
        let other = try ServerProcess(database: nil, dataDirectory: to, isOpen: false)
        #expect(try await other.send("GET", "/v1/projects", token: secret).status == 401)
        let made = try ServerProcess.run(["token", "rotate", "admin", "--data-dir", to])
        let token = made.output.trimmingCharacters(in: .newlines)
        while try await other.send("GET", "/v1/projects", token: token).status == 401 {}
        let again = try await other.send("GET", "/v1/records/a/root?history=true", token: token).json
        #expect(Self.text(again) == Self.text(lineage) && Self.text(again).contains("r1"))
        let verified = try await other.send("POST", "/v1/admin/verify", "{}", token: token).json
        #expect(verified["mismatches"]?.arrayValue?.count == 0)
        let claim = try await other.send(
            "POST", "/v1/claims", #"{"feature":"a/leaf","worker":"w","limit":10}"#, token: token)
        #expect(claim.status == 200 || claim.status == 201)
        #expect(claim.json["records"]?.arrayValue?.count == 1)
        #expect(other.stop() == 0)
    }

    private static func text(_ json: JSONValue) -> String {
        var writer = JSONWriter()
        writer.value(json)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
