// The values that filters compare: those written in them, and those found in rows.

/// A value as written in a filter.
public enum FilterLiteral: Hashable, Sendable, CustomStringConvertible {
    /// `NULL`.
    case null
    /// `TRUE` or `FALSE`.
    case boolean(Bool)
    /// A number, exact.
    case number(FilterNumber)
    /// A string; never holds U+0000, which PostgreSQL cannot store.
    case string(String)

    /// The literal as a filter spells it.
    public var description: String {
        switch self {
        case .null: "NULL"
        case .boolean(let value): value ? "TRUE" : "FALSE"
        case .number(let value): value.description
        case .string(let value): "'\(FilterLexer.doubling(0x27, in: value))'"
        }
    }

    /// Two literals are equal when they are the same value; strings by their bytes.
    public static func == (left: FilterLiteral, right: FilterLiteral) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.boolean(let first), .boolean(let second)): first == second
        case (.number(let first), .number(let second)): first == second
        case (.string(let first), .string(let second)): FilterText(first) == FilterText(second)
        default: false
        }
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .boolean(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .string(let value): hasher.combine(FilterText(value))
        }
    }
}

/// A value of a row, as a filter sees it.
public enum FilterValue: Sendable {
    /// JSON's null, or no such column or member.
    case null
    /// A boolean.
    case boolean(Bool)
    /// A number, exact.
    case number(FilterNumber)
    /// A string.
    case string(String)
    /// Anything that filters cannot compare: an array, an object. It is not null.
    case other

    /// A whole number.
    public static func integer(_ value: Int64) -> FilterValue {
        .number(FilterNumber(value))
    }

    /// A double, as the decimal that its shortest text denotes; `other` for infinities and NaN.
    public static func double(_ value: Double) -> FilterValue {
        FilterNumber(value).map(FilterValue.number) ?? .other
    }

    /// A number given as text, of any size and precision; `other` when the text is no number.
    public static func decimal(_ text: String) -> FilterValue {
        FilterNumber(text).map(FilterValue.number) ?? .other
    }

    /// The value that a literal stands for.
    public init(_ literal: FilterLiteral) {
        switch literal {
        case .null: self = .null
        case .boolean(let value): self = .boolean(value)
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        }
    }
}
