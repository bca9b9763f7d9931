// The parameters of a statement whose text is written piece by piece.

import Feature
import Postgres

/// Collects what a statement is bound to; equal texts share a parameter.
struct SQLParameters {
    private(set) var values: [Parameter]
    private var texts: [[UInt8]: Int] = [:]

    /// Parameters that come after the given ones.
    init(after values: [Parameter]) {
        self.values = values
    }

    /// The number of the next parameter.
    var next: Int { values.count + 1 }

    /// Whether the database can be given all of them: a text of PostgreSQL has no U+0000.
    var areSendable: Bool {
        values.allSatisfy { value in
            switch value {
            case .text(let text): !text.utf8.contains(0)
            case .textArray(let texts): !texts.contains { $0.utf8.contains(0) }
            default: true
            }
        }
    }

    /// Binds a text, and names it.
    mutating func bind(_ text: String) -> String {
        let bytes = Array(text.utf8)
        if let number = texts[bytes] { return "$\(number)::text" }
        values.append(.text(text))
        texts[bytes] = values.count
        return "$\(values.count)::text"
    }

    /// Binds what a filter names by the next number.
    mutating func append(_ literal: FilterSQL.Literal) {
        switch literal {
        case .text(let text): values.append(.text(text))
        case .number(let number): values.append(.text(number.description))
        case .boolean(let value): values.append(.bool(value))
        case .textArray(let texts): values.append(.textArray(texts))
        case .numberArray(let numbers): values.append(.textArray(numbers.map(\.description)))
        }
    }
}

extension RecordHash {
    /// The digest of a text, as an SQL expression; nil where PostgreSQL does not have it.
    func sql(_ text: String) -> String? {
        switch algorithm {
        case .md5: "left(md5(\(text)), \(truncation))"
        case .sha256: "left(encode(sha256(convert_to(\(text), 'UTF8')), 'hex'), \(truncation))"
        case .xxhash32, .xxhash64: nil
        }
    }
}

/// Takes the keys of records apart in SQL.
enum KeySQL {
    /// One encoded value in hexadecimal digits: a boolean, an integer, the length and digits of a larger one (of a
    /// negative one in complement), or a text up to the zero that no 0xFF follows.
    private static let value =
        "(?:02|03|11.{16}|12.{4}(?:3[0-9])*|10.{4}(?:c[6-9a-f])*|20(?:00ff|0[1-9a-f]|[1-9a-f].)*00)"

    /// The key whose value `i` is value `order[i]` of `key`.
    static func reordered(_ key: String, _ order: [Int]) -> String {
        let pattern = "^" + order.map { _ in "(\(value))" }.joined() + "$"
        let parts = order.map { "m[\($0 + 1)]" }.joined(separator: " || ")
        return "(SELECT decode(\(parts), 'hex') FROM regexp_match(encode(\(key), 'hex'), '\(pattern)') m)"
    }
}
