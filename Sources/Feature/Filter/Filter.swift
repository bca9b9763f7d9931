// A filter: its text and what the text means.

/// A condition on rows, written in the SQL-like language of the `sql_filters` of feature dependencies.
///
///     condition  = column | TRUE | FALSE | NULL | operand op operand
///                | operand IS [NOT] (NULL | TRUE | FALSE) | column [NOT] IN (literal, …)
///                | NOT condition | condition AND condition | condition OR condition | (condition)
///     op         = "=" | "==" | "<>" | "!=" | "<" | "<=" | ">" | ">="
///     operand    = column | literal | (operand)
///     literal    = number | -literal | +literal | 'string' | TRUE | FALSE | NULL
///     column     = name { "." name },  name = word | "quoted name"
///
/// NOT binds tighter than AND, AND tighter than OR. Keywords are case-insensitive, names are not. A quote inside quotes
/// is written twice. `-- comments` and `/* comments */` count as blanks.
///
/// Meaning, the same in process (`evaluate`) and in the database (`sql`):
/// - A condition is true, false or unknown, as in SQL; a row passes when it is true. A missing column, a missing member
///   and JSON's null are all null, and a comparison with null is unknown.
/// - Numbers compare exactly as decimals, strings by code point, `FALSE` is less than `TRUE`. Values of different
///   kinds, and arrays and objects, compare as unknown: one odd row never fails a query.
/// - `IN` is `=` with each value, joined by OR, so a NULL in the list makes a miss unknown.
/// - Where the language is not SQL it is the library's: `column = NULL` means `column IS NULL`, `column <> NULL` means
///   `column IS NOT NULL`, and `x IS TRUE` means `x = TRUE`, so that `x IS NOT TRUE` is unknown for a null `x`.
public struct Filter: Hashable, Sendable, CustomStringConvertible {
    /// The text as it was given.
    public let text: String
    /// What it means.
    public let expression: FilterExpression

    /// Parses a filter.
    ///
    /// - Parameter text: at most `FilterLimits.textBytesMax` bytes.
    /// - Throws: what is wrong and where, also when a bound of `FilterLimits` is exceeded.
    /// - Complexity: O(length).
    public init(_ text: String) throws(FilterSyntaxError) {
        self.text = text
        expression = try FilterParser.parse(text)
    }

    /// The columns that the filter reads.
    public var columns: Set<ColumnPath> { expression.columns }

    /// The text as it was given.
    public var description: String { text }

    /// Two filters are equal when their texts have the same bytes.
    public static func == (left: Filter, right: Filter) -> Bool {
        FilterText(left.text) == FilterText(right.text)
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        FilterText(text).hash(into: &hasher)
    }
}
