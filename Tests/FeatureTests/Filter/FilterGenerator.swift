// Random filters and rows, by seed.

import Feature

/// A JSON value of a random row.
indirect enum FilterCell {
    case null
    case boolean(Bool)
    /// A JSON number as text.
    case number(String)
    case double(Double)
    case string(String)
    case array([FilterCell])
    case object([(name: String, cell: FilterCell)])

    /// What a filter sees of it.
    var value: FilterValue {
        switch self {
        case .null: .null
        case .boolean(let value): .boolean(value)
        case .number(let text): .decimal(text)
        case .double(let value): .double(value)
        case .string(let text): .string(text)
        case .array, .object: .other
        }
    }

    /// The value as JSON text.
    var json: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let text): text
        case .double(let value): value.description
        case .string(let text): FilterCell.quoted(text)
        case .array(let cells): "[\(cells.map(\.json).joined(separator: ","))]"
        case .object(let members):
            "{\(members.map { "\(FilterCell.quoted($0.name)):\($0.cell.json)" }.joined(separator: ","))}"
        }
    }

    /// The value at the end of a path that leads through objects.
    func value(at path: ArraySlice<String>) -> FilterValue {
        guard let name = path.first else { return value }
        guard case .object(let members) = self,
            let member = members.first(where: { $0.name.utf8.elementsEqual(name.utf8) })
        else { return .null }
        return member.cell.value(at: path.dropFirst())
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\0"..<" ":
                let code = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - code.utf8.count) + code
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// Makes filters and rows that meet often: small pools of names and values, chosen for their edges.
///
/// The same seed gives the same sequence on every machine.
struct FilterGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// A row: an object in which each column is present four times out of five.
    mutating func row() -> FilterCell {
        var members: [(name: String, cell: FilterCell)] = []
        for name in FilterGenerator.columns where !chance(1, in: 5) {
            members.append((name, name == "m" || name == "list" ? container() : cell(of: Kind(column: name))))
        }
        return .object(members)
    }

    /// A condition that nests at most `depth` connectives.
    mutating func expression(depth: Int) -> FilterExpression {
        guard depth > 0, !chance(1, in: 4) else { return condition() }
        switch below(5) {
        case 0: return .not(expression(depth: depth - 1))
        case 1, 2: return .and(members(depth: depth - 1))
        default: return .or(members(depth: depth - 1))
        }
    }

    /// A text of the same meaning as the tree's canonical one: other cases, blanks, comments, parentheses, operators.
    mutating func spelling(_ expression: FilterExpression) -> String {
        let text: String
        switch expression {
        case .constant(let value): text = keyword(value.map { $0 ? "TRUE" : "FALSE" } ?? "NULL")
        case .column(let path): text = spelling(path)
        case .comparison(let comparison, let left, let right):
            text = spelling(left) + blank(0) + spelling(comparison) + blank(0) + spelling(right)
        case .isNull(.column(let path)) where chance(1, in: 2):
            text = spelling(path) + blank(0) + pick(["=", "=="]) + blank(0) + keyword("NULL")
        case .isNull(let operand): text = spelling(operand) + blank(1) + keyword("IS") + blank(1) + keyword("NULL")
        case .isIn(let path, let values):
            let list = values.map { $0.description }.joined(separator: "," + blank(0))
            text = spelling(path) + blank(1) + keyword("IN") + blank(0) + "(" + list + blank(0) + ")"
        case .not(let inner): text = keyword("NOT") + blank(1) + spelling(inner, isLoose: false)
        case .and(let members): text = spelling(members, "AND")
        case .or(let members): text = spelling(members, "OR")
        }
        return chance(1, in: 6) ? "(" + blank(0) + text + blank(0) + ")" : text
    }
}

// Trees.
extension FilterGenerator {
    static let columns = ["a", "b", "c", "in", "weird \"one\"", "\u{E9}", "e\u{301}", "m", "list"]

    private static let paths: [[String]] =
        columns.map { [$0] } + [["a"], ["b"], ["a"], ["b"]] + [
            ["m", "x"], ["m", "y", "z"], ["list", "0"], ["a", "x"],
        ]

    private static let strings = [
        "", "a", "A", "b", "z", "Z", "ab", "it's", "\"", "\\", "1", "true", "null", "\u{E9}", "e\u{301}", "\u{FFFD}",
        "\u{10000}", "a b", "$1", "%", "\n", "ß",
    ]

    private static let numbers = [
        "0", "-0", "1", "1.0", "-1", "2", "0.1", "0.10", "-2.5", "1e2", "100", "1E-7", "0.0000001", "1.5e300",
        "9007199254740992", "9007199254740993", "9007199254740993.0", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "1e23", "0.30000000000000004",
        "0.3", "5e-324", "99999999999999991611392",
    ]

    /// What a column mostly holds, so that most comparisons are not of different kinds.
    private enum Kind {
        case string, number, boolean

        init?(column: String) {
            switch column {
            case "a", "in", "m": self = .string
            case "b", "\u{E9}", "list": self = .number
            case "c": self = .boolean
            default: return nil
            }
        }
    }

    private mutating func members(depth: Int) -> [FilterExpression] {
        var members: [FilterExpression] = []
        for _ in 0..<(2 + below(2)) {
            members.append(expression(depth: depth))
        }
        return members
    }

    private mutating func condition() -> FilterExpression {
        switch below(12) {
        case 0: return .constant(pick([true, false, nil]))
        case 1: return .column(path())
        case 2, 3: return .isNull(chance(1, in: 8) ? .literal(literal(of: nil)) : .column(path()))
        case 4, 5, 6:
            let path = path()
            var values: [FilterLiteral] = []
            for _ in 0..<(1 + below(4)) {
                values.append(literal(of: Kind(column: path.column)))
            }
            return .isIn(path, values)
        default: return comparison()
        }
    }

    private mutating func comparison() -> FilterExpression {
        let kind = pick(FilterComparison.allCases)
        let path = FilterOperand.column(path())
        let other = chance(1, in: 3) ? FilterOperand.column(self.path()) : .literal(literal(near: path))
        let (first, second) = chance(1, in: 3) ? (other, path) : chance(1, in: 8) ? (other, other) : (path, other)
        switch (kind, first, second) {
        case (.equal, .column, .literal(.null)), (.notEqual, .column, .literal(.null)): return .isNull(first)
        case (.equal, .literal(.null), .column), (.notEqual, .literal(.null), .column): return .isNull(second)
        default: return .comparison(kind, first, second)
        }
    }

    private mutating func path() -> ColumnPath {
        ColumnPath(pick(FilterGenerator.paths))
    }

    private mutating func literal(near operand: FilterOperand) -> FilterLiteral {
        guard case .column(let path) = operand else { return literal(of: nil) }
        return literal(of: Kind(column: path.column))
    }

    private mutating func literal(of kind: Kind?) -> FilterLiteral {
        switch chance(4, in: 5) ? kind ?? anyKind() : anyKind() {
        case .boolean: .boolean(chance(1, in: 2))
        case .string: .string(pick(FilterGenerator.strings))
        case .number: number().map(FilterLiteral.number) ?? .null
        case nil: .null
        }
    }

    private mutating func anyKind() -> Kind? {
        pick([.string, .number, .boolean, nil])
    }

    private mutating func number() -> FilterNumber? {
        chance(1, in: 4) ? FilterNumber(double()) : FilterNumber(pick(FilterGenerator.numbers))
    }
}

// Rows.
extension FilterGenerator {
    private mutating func cell(of kind: Kind?) -> FilterCell {
        switch chance(4, in: 5) ? kind ?? anyKind() : anyKind() {
        case .boolean: .boolean(chance(1, in: 2))
        case .string: .string(pick(FilterGenerator.strings))
        case .number: chance(1, in: 4) ? .double(double()) : .number(pick(FilterGenerator.numbers))
        case nil: pick([.null, .null, .array([.number("1")]), .object([("x", .string("a"))])])
        }
    }

    private mutating func container() -> FilterCell {
        switch below(6) {
        case 0: cell(of: nil)
        case 1, 2: .array([cell(of: .number), cell(of: nil)])
        default:
            .object([("x", cell(of: .string)), ("y", .object([("z", cell(of: .string))])), ("0", cell(of: .number))])
        }
    }

    /// Any finite double, or one that is near others.
    private mutating func double() -> Double {
        let value = chance(1, in: 2) ? Double(bitPattern: next()) : Double(below(41)) / 10 - 2
        return value.isFinite ? value : 0.5
    }
}

// Spellings.
extension FilterGenerator {
    private mutating func spelling(_ members: [FilterExpression], _ word: String) -> String {
        var texts: [String] = []
        for member in members {
            texts.append(spelling(member, isLoose: word == "OR"))
        }
        return texts.joined(separator: blank(1) + keyword(word) + blank(1))
    }

    /// A member of a connective; only AND inside OR may stand without parentheses.
    private mutating func spelling(_ member: FilterExpression, isLoose: Bool) -> String {
        switch member {
        case .or: "(" + spelling(member) + ")"
        case .and where !isLoose: "(" + spelling(member) + ")"
        default: spelling(member)
        }
    }

    private mutating func spelling(_ operand: FilterOperand) -> String {
        let text: String
        switch operand {
        case .column(let path): text = spelling(path)
        case .literal(let literal): text = literal.description
        }
        return chance(1, in: 8) ? "(\(text))" : text
    }

    private mutating func spelling(_ path: ColumnPath) -> String {
        guard chance(1, in: 4) else { return path.description }
        return path.parts.map {
            "\"" + $0.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        }
        .joined(separator: "\".") + "\""
    }

    private mutating func spelling(_ comparison: FilterComparison) -> String {
        switch comparison {
        case .equal: pick(["=", "=="])
        case .notEqual: pick(["<>", "!="])
        default: comparison.rawValue
        }
    }

    private mutating func keyword(_ word: String) -> String {
        pick([word, word.lowercased(), String(word.prefix(1)) + word.dropFirst().lowercased()])
    }

    private mutating func blank(_ atLeast: Int) -> String {
        let blank = pick(["", " ", "  ", "\n\t", " -- it's a \"note\"\r\n", "/* a /* nested */ note */"])
        return blank.isEmpty && atLeast > 0 ? " " : blank
    }
}

// Randomness.
extension FilterGenerator {
    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func below(_ bound: Int) -> Int {
        Int(next() % UInt64(bound))
    }

    private mutating func chance(_ count: Int, in total: Int) -> Bool {
        below(total) < count
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}
