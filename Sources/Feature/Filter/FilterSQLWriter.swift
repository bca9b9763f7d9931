// Writes the tree of a filter as SQL.

/// Collects the parameters of one expression while its text is written.
///
/// Every access to a scalar stands in a CASE arm that has tested its kind, so no cast can fail, and every other kind
/// falls through to NULL.
struct FilterSQLWriter {
    /// What a parameter is found by: names and strings that share bytes share a parameter.
    private enum Key: Hashable {
        case text(FilterText)
        case number(FilterNumber)
        case boolean(Bool)
    }

    private(set) var parameters: [FilterSQL.Literal] = []
    private var numbers: [Key: Int] = [:]
    private let firstParameter: Int
    private let column: (ColumnPath) -> FilterSQL.Column

    init(firstParameter: Int, column: @escaping (ColumnPath) -> FilterSQL.Column) {
        self.firstParameter = firstParameter
        self.column = column
    }

    mutating func write(_ expression: FilterExpression) -> String {
        switch expression {
        case .constant(let value): FilterSQLWriter.constant(value)
        case .column(let path): writeCondition(reach(path))
        case .comparison(let comparison, .column(let left), .column(let right)):
            compare(reach(left), comparison, reach(right))
        case .comparison(let comparison, .column(let path), .literal(let literal)):
            compare(path, comparison, literal)
        case .comparison(let comparison, .literal(let literal), .column(let path)):
            compare(path, comparison.mirrored, literal)
        case .comparison(_, .literal, .literal), .isNull(.literal):
            // No row has a say in it.
            FilterSQLWriter.constant(expression.evaluate { _ in .null })
        case .isNull(.column(let path)): "(coalesce(jsonb_typeof(\(reach(path))), 'null') = 'null')"
        case .isIn(let path, let values): find(path, values)
        case .not(let inner): "(NOT \(write(inner)))"
        case .and(let members): join(members, " AND ", empty: true)
        case .or(let members): join(members, " OR ", empty: false)
        }
    }

    private mutating func join(_ members: [FilterExpression], _ word: String, empty: Bool) -> String {
        guard !members.isEmpty else { return FilterSQLWriter.constant(empty) }
        var texts: [String] = []
        for member in members {
            texts.append(write(member))
        }
        return "(\(texts.joined(separator: word)))"
    }

    private static func constant(_ value: Bool?) -> String {
        value.map { $0 ? "TRUE" : "FALSE" } ?? "NULL::boolean"
    }
}

// Columns.
extension FilterSQLWriter {
    /// The jsonb expression of a column. Members are reached by `->` with a text: unlike `#>`, it takes no number for
    /// an index into an array.
    private mutating func reach(_ path: ColumnPath) -> String {
        switch column(path) {
        case .value(let expression): return "(\(expression))"
        case .member(let document, let names):
            var text = "(\(document))"
            for name in names {
                text = "(\(text) -> \(bind(.text(FilterText(name)), .text(name)))::text)"
            }
            return text
        }
    }

    private func writeCondition(_ value: String) -> String {
        "(CASE jsonb_typeof(\(value)) WHEN 'boolean' THEN \(value)::boolean END)"
    }

    /// The scalar in a jsonb value, as a type whose order is the filter's order.
    private func scalar(_ value: String, _ kind: Kind) -> String {
        switch kind {
        case .string: "(\(value) #>> '{}') COLLATE \"C\""
        case .number: "\(value)::numeric"
        case .boolean: "\(value)::boolean"
        }
    }

    /// The kinds that can be compared, by the names that jsonb_typeof gives them.
    private enum Kind: String, CaseIterable { case string, number, boolean }

    private func compare(_ left: String, _ comparison: FilterComparison, _ right: String) -> String {
        let arms = Kind.allCases.map { kind in
            "WHEN '\(kind.rawValue)' THEN \(scalar(left, kind)) \(comparison.rawValue) \(scalar(right, kind))"
        }
        return "(CASE WHEN jsonb_typeof(\(left)) = jsonb_typeof(\(right)) "
            + "THEN CASE jsonb_typeof(\(left)) \(arms.joined(separator: " ")) END END)"
    }
}

// Literals.
extension FilterSQLWriter {
    private mutating func bind(_ key: Key, _ literal: FilterSQL.Literal) -> String {
        if let number = numbers[key] { return "$\(number)" }
        let placeholder = bind(literal)
        numbers[key] = firstParameter + parameters.count - 1
        return placeholder
    }

    private mutating func bind(_ literal: FilterSQL.Literal) -> String {
        parameters.append(literal)
        return "$\(firstParameter + parameters.count - 1)"
    }

    private mutating func compare(
        _ path: ColumnPath, _ comparison: FilterComparison, _ literal: FilterLiteral
    ) -> String {
        let (kind, operand): (Kind, String)
        switch literal {
        // The column is not reached: PostgreSQL refuses a parameter that nothing uses.
        case .null: return FilterSQLWriter.constant(nil)
        case .string(let string): (kind, operand) = (.string, bind(.text(FilterText(string)), .text(string)) + "::text")
        case .number(let number): (kind, operand) = (.number, bind(.number(number), .number(number)) + "::numeric")
        case .boolean(let boolean):
            (kind, operand) = (.boolean, bind(.boolean(boolean), .boolean(boolean)) + "::boolean")
        }
        let value = reach(path)
        return "(CASE jsonb_typeof(\(value)) WHEN '\(kind.rawValue)' "
            + "THEN \(scalar(value, kind)) \(comparison.rawValue) \(operand) END)"
    }

    /// One arm for each kind in the list. Whatever the list holds beside the kind of the value can only be unknown, so
    /// it turns a miss into NULL.
    private mutating func find(_ path: ColumnPath, _ literals: [FilterLiteral]) -> String {
        guard literals.contains(where: { $0 != .null }) else { return FilterSQLWriter.constant(nil) }
        let value = reach(path)
        var (strings, decimals, booleans): ([String], [FilterNumber], [Bool]) = ([], [], [])
        for literal in literals {
            switch literal {
            case .null: continue
            case .string(let string): strings.append(string)
            case .number(let number): decimals.append(number)
            case .boolean(let boolean): booleans.append(boolean)
            }
        }
        var arms = ""
        func add(_ kind: Kind, _ count: Int, _ test: String) {
            arms += " WHEN '\(kind.rawValue)' THEN \(test)\(count < literals.count ? " OR NULL" : "")"
        }
        if !strings.isEmpty {
            add(.string, strings.count, "\(scalar(value, .string)) = ANY(\(bind(.textArray(strings)))::text[])")
        }
        if !decimals.isEmpty {
            add(.number, decimals.count, "\(scalar(value, .number)) = ANY(\(bind(.numberArray(decimals)))::numeric[])")
        }
        if !booleans.isEmpty {
            let listed = Set(booleans).sorted { !$0 && $1 }.map { bind(.boolean($0), .boolean($0)) + "::boolean" }
            add(.boolean, booleans.count, "\(scalar(value, .boolean)) IN (\(listed.joined(separator: ", ")))")
        }
        return "(CASE jsonb_typeof(\(value))\(arms) END)"
    }
}
