// Getting in: the first token, and tokens that the command line makes.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Tokens of a process", .serialized)
struct TokenTests {
    @Test("the first start prints the way in to a file of its user alone; the log has no secret")
    func firstToken() async throws {
        let directory = try TestDirectory.create()
        let log = directory + "-log"
        let server = try ServerProcess(database: nil, dataDirectory: directory, isOpen: false, log: log)
        let file = directory + "/admin-token"
        let secret = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try await server.send("GET", "/v1/projects").status == 401)
        #expect(try await server.send("GET", "/v1/projects", token: secret).status == 200)
        // The command line works beside the server that runs.
        let made = try ServerProcess.run(
            ["token", "create", "reader", "--scope", "read", "--project", "p", "--data-dir", directory])
        #expect(made.code == 0)
        let reader = made.output.trimmingCharacters(in: .newlines)
        // The server reads the tokens again within a second.
        while try await server.send("GET", "/v1/projects", token: reader).status == 401 {}
        #expect(try await server.send("POST", "/v1/push", "{}", token: reader).status == 403)
        let list = try ServerProcess.run(["token", "list", "--data-dir", directory])
        #expect(list.output.contains("reader") && !list.output.contains("mtx_"))
        #expect(try ServerProcess.run(["token", "revoke", "reader", "--data-dir", directory]).code == 0)
        while try await server.send("GET", "/v1/projects", token: reader).status == 200 {}
        #expect(try ServerProcess.run(["token", "revoke", "nobody", "--data-dir", directory]).code == 1)
        #expect(server.stop() == 0)
        let lines = try String(contentsOfFile: log, encoding: .utf8)
        #expect(lines.contains("admin-token"))
        #expect(!lines.contains(secret) && !lines.contains(reader) && !lines.contains("mtx_"))
        // A second start makes no other.
        try FileManager.default.removeItem(atPath: file)
        let again = try ServerProcess(database: nil, dataDirectory: directory, isOpen: false)
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try await again.send("GET", "/v1/projects", token: secret).status == 200)
        #expect(again.stop() == 0)
        try FileManager.default.removeItem(atPath: log)
    }
}
