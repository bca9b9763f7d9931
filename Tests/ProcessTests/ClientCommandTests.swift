// The commands that ask a server.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Client commands", .serialized)
struct ClientCommandTests {
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"a/root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
        {"spec":{"key":"a/leaf","id_columns":["id"],"deps":[{"feature":"a/root"}],"fields":[{"key":"y","code_version":"1"}]}}]}
        """

    private static let tomlGraph = """
        project = "p"

        [[features]]
        [features.spec]
        key = "a/root"
        id_columns = ["id"]
        fields = [{ key = "x", code_version = "1" }]

        [[features]]
        [features.spec]
        key = "a/leaf"
        id_columns = ["id"]
        deps = [{ feature = "a/root" }]
        fields = [{ key = "y", code_version = "1" }]
        """

    @Test("a graph is pushed, its work is shown, explained and verified, with a token from a file")
    func story() async throws {
        let directory = try TestDirectory.create()
        let server = try ServerProcess(database: nil, dataDirectory: directory, isOpen: false)
        let environment = ["METAXY_SERVER": server.url, "METAXY_TOKEN_FILE": directory + "/admin-token"]
        func run(_ arguments: String...) throws -> (code: Int32, output: String, errors: String) {
            try ServerProcess.run(arguments, environment: environment)
        }
        let file = directory + "/graph.json"
        try Data(Self.graph.utf8).write(to: URL(fileURLWithPath: file))
        let dry = try run("push", file, "--dry-run")
        #expect(dry.code == 0 && dry.output.contains("would be at") && dry.output.contains("added"))
        #expect(try run("status").output.split(separator: "\n").count == 1)
        #expect(try run("push", file).output.contains("is now at"))
        #expect(try run("push", file).output.contains("is already at"))
        // The same in TOML is the same.
        let toml = directory + "/graph.toml"
        try Data(Self.tomlGraph.utf8).write(to: URL(fileURLWithPath: toml))
        #expect(try run("push", toml).output.contains("is already at"))
        try Data("project = \"p\"\nfeatures = [".utf8).write(to: URL(fileURLWithPath: toml))
        #expect(try run("push", toml).code == 1)
        let secret = try String(contentsOfFile: directory + "/admin-token", encoding: .utf8)
            .trimmingCharacters(in: .newlines)
        let rows = #"{"records":[{"id":"r 1+","metaxy_provenance_by_field":{"x":"1"}}]}"#
        #expect(try await server.send("POST", "/v1/records/a/root", rows, token: secret).status == 200)
        let status = try run("status")
        #expect(status.output.contains("a/leaf") && status.output.contains("pending"))
        let json = try JSONValue(parsing: Array(try run("status", "--json").output.utf8))
        #expect(json["features"]?.arrayValue?.count == 2)
        let increment = try run("resolve", "a/leaf")
        #expect(increment.output.contains("new 1") && increment.output.contains("r 1+"))
        let explained = try run("explain", "a/leaf", #"{"id":"r 1+"}"#)
        #expect(explained.code == 0 && explained.output.hasPrefix("new\n"))
        #expect(try run("failures", "list", "a/leaf").code == 0)
        #expect(try run("failures", "retry", "a/leaf").output == "0 will be tried again\n")
        let verified = try run("verify")
        #expect(verified.code == 0 && verified.output.contains("0 wrong"))
        #expect(try run("resolve", "a/none").code == 1)
        #expect(try run("status", "--token-file", "/nowhere").code == 78)
        #expect(try run("status", "--server", "nonsense").code == 64)
        #expect(server.stop() == 0)
        #expect(try run("status").code == 69)
    }

    @Test("the shell can complete commands", arguments: ["bash", "zsh", "fish"])
    func completions(_ shell: String) throws {
        let script = try ServerProcess.run(["--generate-completion-script", shell])
        #expect(script.code == 0 && script.output.contains("token") && script.output.contains("status"))
    }
}
