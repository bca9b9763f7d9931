// The HTTP client of the commands that talk to a running server.

import ArgumentParser
import Foundation
import FoundationNetworking
import JSON

/// Options of the commands that talk to a running server.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's URL; without it METAXY_SERVER. (default: http://127.0.0.1:8080)")
    var server: String?

    @Option(help: "A file with the API token; without it METAXY_TOKEN, or the file that METAXY_TOKEN_FILE names.")
    var tokenFile: String?

    @Flag(help: "Print the server's answer as JSON.")
    var json = false

    /// A client of that server.
    ///
    /// - Throws: 64 if the URL is malformed; 78 if there is a token that cannot be read or used.
    func client() throws(ExitReason) -> ServerClient {
        let environment = ProcessInfo.processInfo.environment
        let text = server ?? environment["METAXY_SERVER"] ?? "http://127.0.0.1:8080"
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host != nil
        else { throw .usage("\"\(text)\" is not an http or https URL") }
        let token = try ClientToken.find(file: tokenFile, environment: environment)
        return ServerClient(url: url, token: token)
    }

    /// Prints an answer, as JSON or as text.
    func show(_ answer: JSONValue, _ text: (JSONValue) -> String) {
        guard json else { return Output.text(text(answer)) }
        var writer = JSONWriter()
        writer.value(answer)
        writer.endLine()
        Output.text(String(decoding: writer.bytes, as: UTF8.self))
    }
}

/// Sends requests to a server.
struct ServerClient: Sendable {
    /// How long the server may send nothing: verifying a large database takes a while.
    private static let patience: TimeInterval = 3_600

    let url: URL
    let token: String?

    /// Sends a request and returns the JSON of the answer.
    ///
    /// - Throws: 69 if the server cannot be reached; 1, with the server's message, if it refuses.
    func send(
        _ method: String, _ path: String, query: [(String, String)] = [], body: JSONValue? = nil
    ) async throws(ExitReason) -> JSONValue {
        var parts = URLComponents()
        parts.path = path
        if !query.isEmpty { parts.queryItems = query.map { URLQueryItem(name: $0.0, value: $0.1) } }
        // Form decoding turns a plus into a space.
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
            throw .unreachable("cannot reach \(url.absoluteString): \(error.localizedDescription)")
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
    /// The value as a table cell: strings unquoted, null as a dash.
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

    /// A member as a table cell.
    func cell(_ name: String) -> String { self[name]?.cell ?? "-" }
}
