// The name of a column, or of a member inside one, as a filter spells it.

/// A column or, with more than one part, a member inside a column: `metaxy_provenance_by_field.audio`.
///
/// Two paths are equal when their parts are the same bytes: names are case-sensitive and not normalized.
public struct ColumnPath: Hashable, Sendable, CustomStringConvertible {
    /// The parts, outermost first: at least one, none empty.
    public let parts: [String]

    /// Makes the path of the given parts.
    ///
    /// - Parameter parts: the parts, outermost first; at least one, none empty (both are programming errors).
    public init(_ parts: [String]) {
        precondition(!parts.isEmpty && parts.allSatisfy { !$0.isEmpty }, "a column path has only non-empty parts")
        self.parts = parts
    }

    /// The column itself.
    public var column: String { parts[0] }

    /// The way from the column to the member; empty for the column as a whole.
    public var members: ArraySlice<String> { parts.dropFirst() }

    /// The parts joined with dots, unquoted: the name of a flat column that has dots in it.
    public var joined: String { parts.joined(separator: ".") }

    /// The path as a filter spells it: parts that are no plain names, or are keywords, in double quotes.
    public var description: String {
        parts.map { FilterLexer.isPlainName($0) ? $0 : "\"\(FilterLexer.doubling(0x22, in: $0))\"" }
            .joined(separator: ".")
    }

    /// Two paths are equal when their parts have the same bytes.
    public static func == (left: ColumnPath, right: ColumnPath) -> Bool {
        left.parts.elementsEqual(right.parts) { FilterText($0) == FilterText($1) }
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        for part in parts {
            FilterText(part).hash(into: &hasher)
        }
    }
}
