// The tree of a filter, and its canonical text.

/// How two values are compared.
public enum FilterComparison: String, Hashable, Sendable, CaseIterable {
    /// `=`, also written `==`.
    case equal = "="
    /// `<>`, also written `!=`.
    case notEqual = "<>"
    /// `<`.
    case less = "<"
    /// `<=`.
    case lessOrEqual = "<="
    /// `>`.
    case greater = ">"
    /// `>=`.
    case greaterOrEqual = ">="

    /// The comparison that holds when the two sides change places.
    public var mirrored: FilterComparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}

/// One side of a comparison.
public enum FilterOperand: Hashable, Sendable, CustomStringConvertible {
    /// The value of a column.
    case column(ColumnPath)
    /// A value written in the filter.
    case literal(FilterLiteral)

    /// The operand as a filter spells it.
    public var description: String {
        switch self {
        case .column(let path): path.description
        case .literal(let literal): literal.description
        }
    }
}

/// A condition on a row: true, false, or unknown (SQL's NULL).
///
/// `Filter` parses text into trees that keep these rules, and for such trees `Filter(tree.description).expression` is
/// the same tree: `and` and `or` have at least two members, `isIn` has at least one value, and a comparison of a column
/// with NULL by `=` or `<>` is an `isNull`.
public indirect enum FilterExpression: Hashable, Sendable {
    /// `TRUE`, `FALSE`, or `NULL` (nil) as a condition.
    case constant(Bool?)
    /// A column as a condition: a boolean is itself, everything else is unknown.
    case column(ColumnPath)
    /// A comparison of two values; unknown when either is null or they are of different kinds.
    case comparison(FilterComparison, FilterOperand, FilterOperand)
    /// Whether a value is null; never unknown.
    case isNull(FilterOperand)
    /// Whether a column equals one of the values: the same as `=` with each of them, joined by `or`.
    case isIn(ColumnPath, [FilterLiteral])
    /// The opposite; unknown stays unknown.
    case not(FilterExpression)
    /// All members hold. Without members: true.
    case and([FilterExpression])
    /// A member holds. Without members: false.
    case or([FilterExpression])

    /// The columns that the condition reads.
    public var columns: Set<ColumnPath> {
        switch self {
        case .constant: []
        case .column(let path), .isIn(let path, _): [path]
        case .comparison(_, let left, let right): left.columns.union(right.columns)
        case .isNull(let operand): operand.columns
        case .not(let inner): inner.columns
        case .and(let members), .or(let members): members.reduce(into: []) { $0.formUnion($1.columns) }
        }
    }
}

extension FilterOperand {
    fileprivate var columns: Set<ColumnPath> {
        switch self {
        case .column(let path): [path]
        case .literal: []
        }
    }
}

extension FilterExpression: CustomStringConvertible {
    /// The canonical text: upper-case keywords, single spaces, parentheses only where precedence asks for them.
    public var description: String {
        switch self {
        case .constant(let value): value.map { $0 ? "TRUE" : "FALSE" } ?? "NULL"
        case .column(let path): path.description
        case .comparison(let comparison, let left, let right): "\(left) \(comparison.rawValue) \(right)"
        case .isNull(let operand): "\(operand) IS NULL"
        case .isIn(let path, let values): "\(path) IN \(FilterExpression.list(values))"
        case .not(.isNull(let operand)): "\(operand) IS NOT NULL"
        case .not(.isIn(let path, let values)): "\(path) NOT IN \(FilterExpression.list(values))"
        case .not(let inner): "NOT \(inner.text(inside: .not))"
        case .and(let members):
            members.isEmpty ? "TRUE" : members.map { $0.text(inside: .and) }.joined(separator: " AND ")
        case .or(let members):
            members.isEmpty ? "FALSE" : members.map { $0.text(inside: .or) }.joined(separator: " OR ")
        }
    }

    private enum Context { case or, and, not }

    private func text(inside context: Context) -> String {
        switch (self, context) {
        case (.or, _), (.and, .and), (.and, .not): "(\(self))"
        default: description
        }
    }

    private static func list(_ values: [FilterLiteral]) -> String {
        "(\(values.map(\.description).joined(separator: ", ")))"
    }
}
