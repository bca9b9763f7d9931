// The examples of a document: requests, and what their answers hold.

import HTTP
import JSON
import Testing

/// An example: requests and expectations, one after another.
struct Example: CustomTestStringConvertible, Sendable {
    /// One request and its answer.
    struct Exchange: Sendable {
        let method: String
        let target: String
        let body: String
        let status: UInt16
        /// What the answer holds at least; empty for anything.
        let expected: String
    }

    /// The heading that it stands under, with its position among those of the heading.
    let title: String
    let exchanges: [Exchange]

    var testDescription: String { title }

    /// The examples of a document, and its headings in their order.
    ///
    /// A block ` ```json name ` is what `$name` stands for; a block ` ```example ` is an example.
    static func all(in document: String) -> (examples: [Example], headings: [String]) {
        var reader = DocumentExamples()
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) { reader.read(String(line)) }
        return (reader.examples, reader.headings)
    }
}

/// Reads a document line by line.
private struct DocumentExamples {
    private(set) var examples: [Example] = []
    private(set) var headings: [String] = []
    private var names: [String: String] = [:]
    /// The info string and the lines of the block that is open.
    private var block: (info: String, lines: [String])?

    mutating func read(_ line: String) {
        guard line.hasPrefix("```") else {
            if block != nil {
                block?.lines.append(line)
            } else if line.hasPrefix("## ") {
                headings.append(String(line.dropFirst(3)))
            }
            return
        }
        guard let (info, lines) = block else {
            block = (String(line.dropFirst(3)), [])
            return
        }
        block = nil
        if info == "example" {
            let number = examples.count { $0.title.hasPrefix(headings.last ?? "") }
            let title = (headings.last ?? "") + (number == 0 ? "" : " (\(number + 1))")
            examples.append(Example(title: title, exchanges: exchanges(lines)))
        } else if info.hasPrefix("json ") {
            names[String(info.dropFirst(5))] = lines.joined(separator: " ")
        }
    }

    private func exchanges(_ lines: [String]) -> [Example.Exchange] {
        var parts: [String] = []
        for line in lines {
            if line.hasPrefix(">") || line.hasPrefix("<") { parts.append(line) } else { parts[parts.count - 1] += line }
        }
        return stride(from: 0, to: parts.count, by: 2).map { index in
            let request = parts[index].dropFirst(2).split(separator: " ", maxSplits: 2).map(String.init)
            let answer = parts[index + 1].dropFirst(2).split(separator: " ", maxSplits: 1).map(String.init)
            return Example.Exchange(
                method: request[0], target: request[1], body: request.count > 2 ? named(request[2]) : "",
                status: UInt16(answer[0]) ?? 0, expected: answer.count > 1 ? answer[1] : "")
        }
    }

    /// Longer names first: one may begin with another.
    private func named(_ text: String) -> String {
        names.keys.sorted { $0.count > $1.count }.reduce(text) { $0.replacing("$" + $1, with: names[$1] ?? "") }
    }
}

extension Example {
    /// Sends every request and holds its answer against what is expected; then everything is verified.
    func run(in world: World) async throws {
        var captured: [String: JSONValue] = [:]
        for exchange in exchanges {
            let target = Self.filled(exchange.target, captured)
            let body = Self.filled(exchange.body, captured)
            let answer =
                exchange.method == "POST" && !body.isEmpty
                ? try await world.post(target, body) : try await world.send(exchange.method, target)
            #expect(answer.status == exchange.status, "\(title): \(exchange.method) \(target): \(answer.text)")
            guard !exchange.expected.isEmpty else { continue }
            let expected = try JSONValue(parsing: Array(exchange.expected.utf8))
            let missing = Self.missing(expected, in: try answer.json, at: "", &captured)
            #expect(missing == [], "\(title): \(exchange.method) \(target): \(answer.text)")
        }
        let verified = try await world.send("POST", "/v1/admin/verify").json
        #expect(verified["mismatch_count"]?.number == 0, "\(title)")
    }

    private static func filled(_ text: String, _ captured: [String: JSONValue]) -> String {
        captured.keys.sorted { $0.count > $1.count }.reduce(text) { text, name in
            let value: String =
                switch captured[name] {
                case .string(let text): text
                case .integer(let number): String(number)
                default: ""
                }
            return text.replacing(name, with: value)
        }
    }

    /// What a value lacks: members may be more, elements and the rest have to be exactly those. A text `$name` takes the
    /// value in its place the first time it comes, and has to be equal to it after that.
    private static func missing(
        _ expected: JSONValue, in actual: JSONValue, at place: String, _ captured: inout [String: JSONValue]
    ) -> [String] {
        if let name = expected.stringValue, name.hasPrefix("$") {
            let value = captured[name] ?? actual
            captured[name] = value
            return value == actual ? [] : ["\(place): \(actual) is not \(value)"]
        }
        if let members = expected.objectValue {
            return members.flatMap { member -> [String] in
                guard let value = actual[member.name] else { return ["\(place): lacks \(member.name)"] }
                return missing(member.value, in: value, at: "\(place)/\(member.name)", &captured)
            }
        }
        if let elements = expected.arrayValue, let values = actual.arrayValue, elements.count == values.count {
            return zip(elements, values).enumerated().flatMap {
                missing($1.0, in: $1.1, at: "\(place)/\($0)", &captured)
            }
        }
        return expected == actual ? [] : ["\(place): \(actual) is not \(expected)"]
    }
}
