// Runs the commands of README.md and docs/walkthrough.md and compares their output.

import Foundation
import TestSupport
import Testing

@Suite("Walk-through")
struct WalkthroughTests {
    @Test("each command prints the output in the document", arguments: ["README.md", "docs/walkthrough.md"])
    func document(_ name: String) async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create())
            defer { server.stop() }
            let output = Pipe()
            let script = Process()
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
            script.executableURL = root.appendingPathComponent("scripts/walkthrough")
            script.arguments = [server.url, root.appendingPathComponent(name).path]
            script.standardOutput = output
            script.standardError = output
            try script.run()
            let printed = try #require(try output.fileHandleForReading.readToEnd())
            script.waitUntilExit()
            #expect(script.terminationStatus == 0, "\(String(decoding: printed, as: UTF8.self))")
        }
    }
}
