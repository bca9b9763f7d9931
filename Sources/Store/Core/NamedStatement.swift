// The statements of SQL/<subject>.sql: parsed once, found by name, checked against what Swift sends.

import Feature
import Postgres
import StoreSQL

/// A statement of a file in `SQL/`.
///
/// The text has two placeholders, `{feature}` and `{space}`: the numbers in the names of partitions. Nothing else is
/// substituted.
struct NamedStatement: Sendable {
    /// The placeholders.
    enum Placeholder: String, CaseIterable {
        case feature, space
    }

    /// A piece of the text.
    enum Piece: Sendable, Equatable {
        case text(String)
        case number(Placeholder)
    }

    /// The name, which is unique.
    let name: String
    /// The types of the parameters and of the columns, in PostgreSQL's words.
    private(set) var parameters: [String] = [], columns: [String] = []
    /// Whether connections prepare the statement and keep it.
    private(set) var isPrepared = true
    /// The text, with each placeholder as a piece of its own.
    private(set) var pieces: [Piece] = []
    /// The text as read so far.
    private var text = ""

    /// The statements by name.
    static let all: [String: NamedStatement] = {
        let found = StatementFile.all.flatMap { parse(String(decoding: $0.text, as: UTF8.self)) }
        return Dictionary(found.map { ($0.name, $0) }) { first, _ in
            preconditionFailure("two statements are named \(first.name)")
        }
    }()

    /// The statements of a file, in its order.
    ///
    /// A line `-- name:` begins a statement. The lines `-- parameters:`, `-- columns:` and `-- unprepared` declare its
    /// properties. Other lines that begin with `--` are comments. The rest is the text, up to a semicolon.
    static func parse(_ file: String) -> [NamedStatement] {
        var statements: [NamedStatement] = []
        for line in file.split(separator: "\n", omittingEmptySubsequences: false) {
            if let name = line.value(of: "-- name: ") {
                statements.append(NamedStatement(name: name))
                continue
            }
            guard let last = statements.indices.last else { continue }
            statements[last].read(line)
        }
        for index in statements.indices { statements[index].close() }
        return statements
    }

    private init(name: String) {
        self.name = name
    }

    private mutating func read(_ line: Substring) {
        if let types = line.value(of: "-- parameters: ") {
            parameters += types.split(separator: ", ").map(String.init)
        } else if let types = line.value(of: "-- columns: ") {
            columns += types.split(separator: ", ").map(String.init)
        } else if line == "-- unprepared" {
            isPrepared = false
        } else if !line.hasPrefix("--") {
            text += line + "\n"
        }
    }

    /// Ends the text at its semicolon and takes it apart.
    private mutating func close() {
        while let last = text.last, last == "\n" || last == ";" { text.removeLast() }
        for (index, part) in text.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            guard index > 0, let end = part.firstIndex(of: "}"), let found = Placeholder(rawValue: String(part[..<end]))
            else {
                pieces.append(.text((index > 0 ? "{" : "") + part))
                continue
            }
            pieces.append(.number(found))
            pieces.append(.text(String(part[part.index(after: end)...])))
        }
        text = ""
    }

    /// The placeholders that the text has.
    var placeholders: [Placeholder] { Placeholder.allCases.filter { pieces.contains(.number($0)) } }

    /// The statement for a feature and an id space: a number for each placeholder of the text, nil for others.
    func statement(feature: FeatureID? = nil, space: Int32? = nil) -> Statement {
        var (name, sql) = (name, "")
        if let feature { name += "_\(feature)" }
        if let space { name += "_\(space)" }
        for piece in pieces {
            switch piece {
            case .text(let text): sql += text
            case .number(.feature): sql += "\(feature ?? 0)"
            case .number(.space): sql += "\(space ?? 0)"
            }
        }
        return Statement(name, sql, prepare: isPrepared)
    }
}

extension Statement {
    /// The statement of `SQL/` with this name.
    ///
    /// - Precondition: there is one. A test checks every use.
    static func named(_ name: StaticString) -> Statement { find(name).statement() }

    /// The statement with this name on the partitions of a feature.
    static func named(_ name: StaticString, feature: FeatureID) -> Statement { find(name).statement(feature: feature) }

    /// The statement with this name on the records of an id space.
    static func named(_ name: StaticString, space: Int32) -> Statement { find(name).statement(space: space) }

    /// The statement with this name on the partitions of a feature and the records of an id space.
    static func named(_ name: StaticString, feature: FeatureID, space: Int32) -> Statement {
        find(name).statement(feature: feature, space: space)
    }

    private static func find(_ name: StaticString) -> NamedStatement {
        guard let found = NamedStatement.all[name.description] else {
            preconditionFailure("no statement is named \(name)")
        }
        return found
    }
}

// MARK: - What Swift sends and reads

extension NamedStatement {
    /// Whether parameters have the declared types. True for a statement that is made in Swift.
    static func accepts(_ parameters: [Parameter], for statement: Statement) -> Bool {
        guard let declared = declaration(of: statement)?.parameters else { return true }
        return declared.count == parameters.count
            && zip(declared, parameters).allSatisfy { $1.typeName == nil || $1.typeName == $0 }
    }

    /// Whether a result has the declared number of columns. True for a statement that is made in Swift.
    static func accepts(columns: Int, of statement: Statement) -> Bool {
        guard let declared = declaration(of: statement) else { return true }
        return declared.columns.count == columns
    }

    /// The named statement behind a statement, whose name may have numbers added.
    private static func declaration(of statement: Statement) -> NamedStatement? {
        var words = statement.name.split(separator: "_")
        while let last = words.last, Int32(last) != nil { words.removeLast() }
        return all[words.joined(separator: "_")]
    }
}

extension Substring {
    /// The rest of a line that begins with `key`.
    fileprivate func value(of key: String) -> String? {
        hasPrefix(key) ? String(dropFirst(key.count)) : nil
    }
}
