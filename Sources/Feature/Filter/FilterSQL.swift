// A filter as an SQL expression with bound parameters.

/// A filter as an SQL expression of type boolean: true, false or NULL for exactly the rows on which `evaluate` answers
/// true, false or nil.
///
/// Written for PostgreSQL 15 or newer in a UTF-8 database of any collation. No word of the filter occurs in the text:
/// literals and names are parameters, of which equal ones share a number.
///
/// Run it with `jit` off: PostgreSQL 15 interprets 1,000 conditions in 0.3 s, but compiles them for over ten minutes.
public struct FilterSQL: Sendable {
    /// What one parameter is bound to; the text casts each parameter to the type named here.
    public enum Literal: Sendable {
        /// `text`.
        case text(String)
        /// `numeric`, given as text.
        case number(FilterNumber)
        /// `boolean`.
        case boolean(Bool)
        /// `text[]`.
        case textArray([String])
        /// `numeric[]`, given as texts.
        case numberArray([FilterNumber])
    }

    /// Where a row keeps a column: SQL of the caller's own making, never words of a filter.
    public enum Column: Sendable {
        /// An expression of type `jsonb`.
        case value(String)
        /// A member of the `jsonb` expression `of`, reached through objects by these names, outermost first.
        case member(of: String, path: [String])
    }

    /// The expression: self-contained, so it may stand next to AND and OR as it is.
    public let text: String
    /// What to bind, in order, from the first number that was asked for.
    public let parameters: [Literal]
}

extension Filter {
    /// The filter as an SQL expression.
    ///
    /// - Parameters:
    ///   - firstParameter: the number of its first parameter, at least 1.
    ///   - column: where a row keeps the column, or the member, that a path names; called for each mention.
    /// - Returns: an expression that names each column at most five times for each mention.
    /// - Complexity: O(length of the filter).
    public func sql(firstParameter: Int, column: (ColumnPath) -> FilterSQL.Column) -> FilterSQL {
        expression.sql(firstParameter: firstParameter, column: column)
    }
}

extension FilterExpression {
    /// The condition as an SQL expression.
    ///
    /// - Parameters:
    ///   - firstParameter: the number of its first parameter, at least 1.
    ///   - column: where a row keeps the column, or the member, that a path names; called for each mention.
    /// - Returns: an expression that names each column at most five times for each mention.
    /// - Complexity: O(size of the tree).
    public func sql(firstParameter: Int, column: (ColumnPath) -> FilterSQL.Column) -> FilterSQL {
        precondition(firstParameter >= 1, "PostgreSQL numbers parameters from 1")
        return withoutActuallyEscaping(column) { column in
            var writer = FilterSQLWriter(firstParameter: firstParameter, column: column)
            let text = writer.write(self)
            return FilterSQL(text: text, parameters: writer.parameters)
        }
    }
}
