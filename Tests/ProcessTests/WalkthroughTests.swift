// The walk-through of README.md, run as it is shown.

import Foundation
import TestSupport
import Testing

@Suite("Walk-through")
struct WalkthroughTests {
    @Test("each command of the walk-through prints what README.md shows")
    func readme() async throws {
        try await TestDatabase.with { database in
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create())
            defer { server.stop() }
            let output = Pipe()
            let script = Process()
            script.executableURL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("../../scripts/walkthrough")
            script.arguments = [server.url]
            script.standardOutput = output
            script.standardError = output
            try script.run()
            let printed = try #require(try output.fileHandleForReading.readToEnd())
            script.waitUntilExit()
            #expect(script.terminationStatus == 0, "\(String(decoding: printed, as: UTF8.self))")
        }
    }
}
