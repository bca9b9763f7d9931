// Comparison of answers with JSON that has blanks for what differs from run to run.

import HTTP
import JSON
import Testing

/// Expects a status and a JSON document, in which `"<time>"` stands for any time as the contract writes it, `"<text>"`
/// for any text and `"<number>"` for any whole number.
func expect(
    _ answer: Answer, _ status: UInt16, _ json: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    let actual = try answer.json
    let expected = try JSONValue(parsing: Array(json.utf8))
    let differences = differences(actual, expected, at: "")
    #expect(differences == [], "\(answer.text)", sourceLocation: sourceLocation)
}

/// Expects a problem.
func expectProblem(
    _ answer: Answer, _ status: UInt16, _ code: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(try answer.code == code, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer.headers["Content-Type"] == "application/problem+json", sourceLocation: sourceLocation)
}

/// The members of objects have their order in the contract's examples: it is compared too.
private func differences(_ actual: JSONValue, _ expected: JSONValue, at place: String) -> [String] {
    switch (actual, expected) {
    case (.string(let text), .string("<time>")):
        let isTime = text.utf8.count == 27 && text.hasSuffix("Z") && text.contains("T")
        return isTime ? [] : ["\(place): \(text) is no time"]
    case (.string, .string("<text>")), (.integer, .string("<number>")): return []
    case (.array(let left), .array(let right)) where left.count == right.count:
        return zip(left, right).enumerated().flatMap { differences($1.0, $1.1, at: "\(place)/\($0)") }
    case (.object(let left), .object(let right)) where left.keys == right.keys:
        return left.flatMap { differences($0.value, right[$0.name] ?? .null, at: "\(place)/\($0.name)") }
    default: return actual == expected ? [] : ["\(place): \(actual) is not \(expected)"]
    }
}

extension JSONValue {
    /// The number, where this is one of 64 bits.
    var number: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }
}
