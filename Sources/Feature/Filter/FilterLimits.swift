// Bounds of the filter language.

/// Bounds that every filter keeps.
///
/// They bound the work of one parse, the recursion of everything that walks a tree, and the statement that a filter
/// becomes: 1,000 conditions of at most 16 names each stay far below the 65,535 parameters of one PostgreSQL statement.
public enum FilterLimits {
    /// Length of the whole text, in UTF-8 bytes.
    public static let textBytesMax = 65_536
    /// Nesting of parentheses, `NOT` and signs, in levels.
    public static let depthMax = 64
    /// Comparisons, `IS`, `IN` and bare conditions in one filter. Long lists of values belong into one `IN`.
    public static let conditionsMax = 1_000
    /// Values in one `IN` list.
    public static let listValuesMax = 10_000
    /// Parts of a dotted name.
    public static let namePartsMax = 16
    /// Length of a number as written, without its sign, in bytes.
    public static let numberBytesMax = 400
    /// Largest and, negated, smallest power of ten that may follow the `e` of a number: beyond the range of a double
    /// (5e-324 to 1.8e308), within that of PostgreSQL's `numeric`.
    public static let numberExponentMax = 400
}
