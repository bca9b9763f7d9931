// The client side: commands that ask a server that runs.

import ArgumentParser
import Foundation
import FoundationNetworking
import JSON

/// Where the server is, and how it is asked.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's URL; else METAXY_SERVER says it. (default: http://127.0.0.1:8080)")
    var server: String?

    @Option(help: "A file with the API token; else METAXY_TOKEN is one, or METAXY_TOKEN_FILE names a file.")
    var tokenFile: String?

    @Flag(help: "Print what the server answers, as JSON.")
    var json = false

    /// A client of that server.
    ///
    /// - Throws: 64 where the URL is none; 78 where the token's file cannot be read.
    func client() throws(ExitReason) -> ServerClient {
        let environment = ProcessInfo.processInfo.environment
        let text = server ?? environment["METAXY_SERVER"] ?? "http://127.0.0.1:8080"
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host != nil
        else { throw .usage("\"\(text)\" is no http or https URL") }
        var token = environment["METAXY_TOKEN"]
        if let path = tokenFile ?? (token == nil ? environment["METAXY_TOKEN_FILE"] : nil) {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw .configuration("the token's file \(path) cannot be read")
            }
            token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return ServerClient(url: url, token: token)
    }

    /// Prints an answer: as it is, or as people read it.
    func show(_ answer: JSONValue, _ text: (JSONValue) -> String) {
        guard json else { return Output.text(text(answer)) }
        var writer = JSONWriter()
        writer.value(answer)
        writer.endLine()
        Output.text(String(decoding: writer.bytes, as: UTF8.self))
    }
}

/// Asks a server.
struct ServerClient: Sendable {
    /// For how long a request may be silent: a verification of much takes its time.
    private static let patience: TimeInterval = 3_600

    let url: URL
    let token: String?

    /// Sends a request and gives the JSON of its answer.
    ///
    /// - Throws: 69 where the server cannot be reached; 1 with what it says where it refuses.
    func send(
        _ method: String, _ path: String, query: [(String, String)] = [], body: JSONValue? = nil
    ) async throws(ExitReason) -> JSONValue {
        var parts = URLComponents()
        parts.path = path
        if !query.isEmpty { parts.queryItems = query.map { URLQueryItem(name: $0.0, value: $0.1) } }
        // A plus is a space to those who read forms.
        let encoded = (parts.string ?? path).replacing("+", with: "%2B")
        guard let target = URL(string: url.absoluteString.trimmingSuffix("/") + encoded) else {
            throw .usage("\"\(path)\" cannot be part of a URL")
        }
        var request = URLRequest(url: target)
        request.httpMethod = method
        request.timeoutInterval = Self.patience
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        if let body {
            var writer = JSONWriter()
            writer.value(body)
            request.httpBody = Data(writer.bytes)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let data: Data
        let response: URLResponse
        do {
            (data, response) = try await URLSession.shared.data(for: request)
        } catch {
            throw .unreachable("\(url.absoluteString) cannot be reached: \(error.localizedDescription)")
        }
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        let answer: JSONValue
        do { answer = data.isEmpty ? .null : try JSONValue(parsing: Array(data)) } catch { answer = .null }
        guard (200..<300).contains(status) else { throw Self.refusal(status, answer) }
        return answer
    }

    private static func refusal(_ status: Int, _ problem: JSONValue) -> ExitReason {
        var lines = ["\(problem["detail"]?.stringValue ?? "the server answered with \(status)")"]
        for item in problem["errors"]?.arrayValue ?? [] {
            let place = item["pointer"]?.stringValue ?? item["parameter"]?.stringValue ?? ""
            lines.append("\(place): \(item["detail"]?.stringValue ?? "")")
        }
        return .refused(lines.joined(separator: "\n  ") + " [\(problem["code"]?.stringValue ?? "\(status)")]")
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: Character) -> String {
        var text = self
        while text.last == suffix { text.removeLast() }
        return text
    }
}

extension JSONValue {
    /// The value in words, for a cell of a table: texts as they are, null as a dash.
    var cell: String {
        switch self {
        case .null: return "-"
        case .string(let text): return text
        case .double(let number):
            return number == number.rounded() ? "\(Int(number))" : "\((number * 10).rounded() / 10)"
        default:
            var writer = JSONWriter()
            writer.value(self)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    /// A member in words.
    func cell(_ name: String) -> String { self[name]?.cell ?? "-" }
}
