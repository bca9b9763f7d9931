// Settings: where they come from, what is refused, what is shown; and what the log never shows.

import Foundation
import JSON
import TestSupport
import Testing

@Suite("Settings", .serialized)
struct SettingTests {
    /// What `metaxyd config` shows of a setting.
    private static func shown(
        _ name: String, _ options: [String] = [], _ environment: [String: String] = [:]
    ) throws -> [String?] {
        let shown = try ServerProcess.run(["config", "--json"] + options, environment: environment)
        let setting = try JSONValue(parsing: Array(shown.output.utf8))[name]
        return [setting?["value"]?.stringValue, setting?["from"]?.stringValue]
    }

    private static func file(_ text: String) throws -> String {
        let path = try TestDirectory.create() + "/settings.toml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test("the command line goes before the environment, the environment before the file, the file before the default")
    func precedence() throws {
        let file = try Self.file(
            "# a remark\nlisten = \"127.0.0.1:1\"  # here\n\nrate-limit = 7\nlog-level = 'debug'\n")
        let variable = ["METAXY_LISTEN": "127.0.0.1:2"]
        #expect(try Self.shown("listen") == ["127.0.0.1:8080", "default"])
        #expect(try Self.shown("listen", ["--config", file]) == ["127.0.0.1:1", "file"])
        #expect(try Self.shown("listen", ["--config", file], variable) == ["127.0.0.1:2", "environment"])
        let both = try Self.shown("listen", ["--config", file, "--listen", "127.0.0.1:3"], variable)
        #expect(both == ["127.0.0.1:3", "command line"])
        #expect(try Self.shown("rate-limit", [], ["METAXY_CONFIG": file]) == ["7", "file"])
        #expect(try Self.shown("log-level", ["--config", file]) == ["debug", "file"])
    }

    @Test(
        "what is unknown or impossible is refused with 78, on the command line with 64",
        arguments: [
            ([], ["METAXY_LISTN": "127.0.0.1:1"], "", 78), ([], ["METAXY_RATE_LIMIT": "many"], "", 78),
            ([], [:], "listn = \"x\"", 78), ([], [:], "listen", 78), ([], [:], "listen = x", 78),
            ([], [:], "listen = \"x", 78), ([], [:], "rate-limit = 1\nrate-limit = 2", 78),
            ([], [:], "log-level = \"loud\"", 78), ([], [:], "config = \"x\"", 78),
            ([], ["METAXY_CONFIG": "/nowhere"], "", 78), ([], ["METAXY_TLS_CERT": "x"], "", 78),
            (["--log-level", "loud"], [:], "", 64), (["--listn", "x"], [:], "", 64),
            (["--insecure-no-auth", "--listen", "0.0.0.0:1"], [:], "", 64), (["--tls-key", "x"], [:], "", 64),
            (["--listen", "nonsense"], [:], "", 64), ([], [:], "[listen]\nport = 1", 78),
            ([], [:], "rate-limit = 1.5", 78),
        ] as [([String], [String: String], String, Int32)])
    func refusals(_ options: [String], _ environment: [String: String], _ text: String, _ code: Int32) throws {
        let file = text.isEmpty ? [] : ["--config", try Self.file(text)]
        #expect(try ServerProcess.run(["config"] + options + file, environment: environment).code == code)
    }

    @Test("what Kubernetes says of a service called metaxy is no setting")
    func serviceLinks() throws {
        let links = [
            "METAXY_SERVICE_HOST": "10.0.0.1", "METAXY_SERVICE_PORT": "80", "METAXY_SERVICE_PORT_HTTP": "80",
            "METAXY_PORT": "tcp://10.0.0.1:80", "METAXY_PORT_80_TCP": "tcp://10.0.0.1:80",
            "METAXY_PORT_80_TCP_PROTO": "tcp", "METAXY_PORT_80_TCP_ADDR": "10.0.0.1",
            "METAXY_ADMIN_PORT_9090_TCP_PORT": "9090",
        ]
        #expect(try ServerProcess.run(["config"], environment: links).code == 0)
        #expect(try ServerProcess.run(["config"], environment: ["METAXY_PORTS": "1"]).code == 78)
    }

    @Test("secrets are hidden, and cannot be given on the command line")
    func secrets() throws {
        let url = ["DATABASE_URL": "postgres://me:sesame@nowhere/db"]
        #expect(try Self.shown("database-url", [], url) == ["(hidden)", "environment"])
        let shown = try ServerProcess.run(["config"], environment: url)
        #expect(shown.code == 0 && !shown.output.contains("sesame"))
        #expect(try ServerProcess.run(["config", "--database-url", "x"]).code == 64)
    }

    @Test("the documentation has the table of the program, and the help each option of it")
    func documentation() throws {
        let table = try ServerProcess.run(["config", "--reference"]).output
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../docs/configuration.md")
        #expect(try String(contentsOf: page, encoding: .utf8).contains(table))
        let help = try ServerProcess.run(["help", "serve"]).output
        for row in table.split(separator: "\n").dropFirst(2) {
            let option = row.split(separator: "|")[0].filter { $0 != "`" && $0 != " " }
            #expect(option.isEmpty || help.contains(option), "\(row)")
        }
    }

    @Test(
        "the log of a start that fails does not show the password, nor a connection string that cannot be read",
        arguments: [
            ("postgres://me:sesame@127.0.0.1:1/db", 69), ("postgres//me:sesame@127.0.0.1:1/db", 78),
            ("host=127.0.0.1 port=1 password=sesame user=me", 69),
            ("host=127.0.0.1 port=1 user=me password='ses ame'", 69),
            ("postgres://me@127.0.0.1:1/db?password=sesame", 69), ("postgres://me:s%65same@127.0.0.1:x/db", 78),
            ("postgresql+asyncpg://me:sesame@127.0.0.1:1/db", 78), ("postgres://me:p@sesame@127.0.0.1:1/db", 78),
            ("postgres://me:p@sesame/x@127.0.0.1:1/db", 78), ("postgres://me:50%sesame@127.0.0.1:1/db", 78),
            ("postgres://me:sesame@127.0.0.1:1/db?schema=app", 78),
            ("postgres://me:sesame@127.0.0.1:1/db?sslmode=on", 78),
            ("host=127.0.0.1 port=1 password=sesame connect_timeout=soon", 78),
        ] as [(String, Int32)])
    func failedStart(_ url: String, _ expected: Int32) throws {
        let log = try TestDirectory.create() + "/log"
        let code = try ServerProcess.exitCode(
            database: url, dataDirectory: "/nowhere", options: ["--log-level", "debug"], log: log)
        #expect(code == expected)
        let lines = try String(contentsOfFile: log, encoding: .utf8)
        #expect(!lines.isEmpty)
        // A malformed string is refused before anything tries to connect: its log is that one line.
        if expected == 78 { #expect(lines.split(separator: "\n").count == 1, "\(lines)") }
        #expect(!lines.contains("sesame") && !lines.contains("ses ame") && !lines.contains("s%65same"), "\(lines)")
    }

    @Test("SIGHUP takes over the log level of the file; a broken file changes nothing")
    func hangUp() async throws {
        let directory = try TestDirectory.create()
        let file = try Self.file("log-level = \"error\"\n")
        let log = directory + "-log"
        func text() throws -> String { try String(contentsOfFile: log, encoding: .utf8) }
        let server = try ServerProcess(
            database: nil, dataDirectory: directory, options: ["--config", file, "--log-format", "text"], log: log)
        _ = try await server.send("GET", "/v1/projects")
        #expect(try text().isEmpty)
        try Data("log-level = \"debug\"\n".utf8).write(to: URL(fileURLWithPath: file))
        server.reload()
        while try !text().contains("read the settings again") { await Task.yield() }
        _ = try await server.send("GET", "/v1/projects")
        let answered = try text()
        #expect(answered.contains("debug: a request was answered request_id="))
        #expect(answered.contains("path=\"/v1/projects\" status=200"))
        try Data("log-level = \"loud\"\n".utf8).write(to: URL(fileURLWithPath: file))
        server.reload()
        while try !text().contains("cannot read the settings again") { await Task.yield() }
        #expect(server.stop() == 0)
        try FileManager.default.removeItem(atPath: log)
    }
}
