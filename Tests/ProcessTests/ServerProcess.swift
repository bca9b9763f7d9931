// The server as a process of its own, as a user runs it.

import Foundation
import FoundationNetworking
import JSON
import Testing

/// A running `metaxyd serve`.
final class ServerProcess {
    /// Where it listens.
    let url: String
    private let process: Process
    private let output: Pipe
    private var received: Data

    /// Starts the server and waits until it says where it listens.
    ///
    /// - Parameters:
    ///   - database: `DATABASE_URL`; nil for the embedded PostgreSQL.
    ///   - dataDirectory: where the embedded PostgreSQL lives.
    ///   - options: further options of `serve`.
    ///   - isOpen: whether it lets everyone do everything.
    ///   - log: where its log goes; nil for nowhere.
    init(
        database: String?, dataDirectory: String, options: [String] = [], isOpen: Bool = true, log: String? = nil
    ) throws {
        (process, output) = try Self.launch(
            database, dataDirectory, options + (isOpen ? ["--insecure-no-auth"] : []), log: log)
        received = Data()
        let words = Self.line(1, of: output, &received).split(whereSeparator: \.isWhitespace)
        url = try #require(words.last.map(String.init), "the server did not start")
    }

    private static func launch(
        _ database: String?, _ dataDirectory: String, _ options: [String], log: String? = nil
    ) throws -> (process: Process, output: Pipe) {
        let process = Process()
        process.executableURL = program
        process.arguments =
            ["serve", "--listen", "127.0.0.1:0", "--data-dir", dataDirectory] + options
        // What the tests themselves are told is none of the program's.
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("METAXY_") }
        environment["DATABASE_URL"] = database
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        }
        try process.run()
        return (process, output)
    }

    /// The exit code of a server that should not start.
    static func exitCode(
        database: String?, dataDirectory: String, options: [String], log: String? = nil
    ) throws -> Int32 {
        let (process, output) = try launch(database, dataDirectory, options + ["--insecure-no-auth"], log: log)
        // One that starts after all says where it listens: it is stopped, and its code is 0.
        if !output.fileHandleForReading.availableData.isEmpty { kill(process.processIdentifier, SIGTERM) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Runs another command of the program to its end.
    ///
    /// - Parameter directory: the working directory; nil for this process's own.
    /// - Returns: its exit code, its standard output and its standard error.
    static func run(
        _ arguments: [String], environment more: [String: String] = [:], in directory: String? = nil
    ) throws -> (code: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        // What the tests themselves are told is none of the program's.
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("METAXY_") }
        environment["DATABASE_URL"] = nil
        process.environment = environment.merging(more) { $1 }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let output = Pipe()
        process.standardOutput = output
        // A file, since a pipe that nobody reads would stop a command with much to say.
        let log = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(UUID().uuidString)
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        defer { unlink(log.path) }
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, try String(contentsOf: log, encoding: .utf8))
    }

    /// A line of its standard output, 1 for the first, once it is there; empty where the output ends before.
    func line(_ number: Int) -> String { Self.line(number, of: output, &received) }

    private static func line(_ number: Int, of output: Pipe, _ received: inout Data) -> String {
        while received.count(where: { $0 == UInt8(ascii: "\n") }) < number {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { return "" }
            received += data
        }
        let lines = String(decoding: received, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return String(lines[number - 1])
    }

    /// The port that it listens at.
    var port: Int {
        get throws { try #require(URL(string: url)?.port) }
    }

    /// Makes the process read its TLS files again.
    func reload() {
        kill(process.processIdentifier, SIGHUP)
    }

    /// The program that was built together with these tests.
    private static var program: URL {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("metaxyd")
    }

    /// Ends the process at once, as a crash would.
    func crash() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the process to stop.
    func askToStop() {
        kill(process.processIdentifier, SIGTERM)
    }

    /// Waits for the end of a process that was asked to stop.
    ///
    /// - Returns: its exit code.
    func exitCode() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Asks the process to stop and waits until it has.
    ///
    /// - Returns: its exit code.
    @discardableResult
    func stop() -> Int32 {
        askToStop()
        return exitCode()
    }

    /// Sends a request and gives the answer's status and JSON.
    func send(
        _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json",
        token: String? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        try await HTTPClient.send(method, url + path, body, type: type, token: token)
    }
}

/// The client side.
enum HTTPClient {
    /// Gets a text.
    static func text(_ url: String) async throws -> String {
        let (data, _) = try await URLSession.shared.data(from: try #require(URL(string: url)))
        return String(decoding: data, as: UTF8.self)
    }

    /// Sends a request and gives the answer's status and JSON.
    static func send(
        _ method: String, _ url: String, _ body: String?, type: String, token: String? = nil, id: String? = nil
    ) async throws -> (status: Int, json: JSONValue) {
        var request = URLRequest(url: try #require(URL(string: url)))
        request.httpMethod = method
        request.timeoutInterval = 60
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        if let id { request.setValue(id, forHTTPHeaderField: "X-Request-Id") }
        if let body {
            request.httpBody = Data(body.utf8)
            request.setValue(type, forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = try #require(response as? HTTPURLResponse).statusCode
        return (status, data.isEmpty ? .null : try JSONValue(parsing: Array(data)))
    }
}

extension JSONValue {
    /// The number of a member.
    func number(_ name: String) -> Int64? {
        guard case .integer(let value)? = self[name] else { return nil }
        return value
    }
}
