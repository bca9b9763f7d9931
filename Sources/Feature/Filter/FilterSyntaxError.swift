// Why a text is not a filter, and where.

/// A text that is not a filter.
public struct FilterSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where the trouble starts: 1 for the first, in Unicode scalars of the text; one past the last for its end.
    public let column: Int
    /// What was expected and what was found, in one line that may be shown to the author of the filter.
    public let detail: String

    /// Makes an error at a place.
    ///
    /// - Parameters:
    ///   - column: 1-based, in Unicode scalars.
    ///   - detail: what was expected and what was found.
    public init(column: Int, detail: String) {
        self.column = column
        self.detail = detail
    }

    /// The place and the reason: `column 5: expected a value after =, found end of text`.
    public var description: String { "column \(column): \(detail)" }
}
