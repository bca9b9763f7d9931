// Text compared, hashed and ordered by its UTF-8 bytes: the type of every name, id, value, version and tag.

/// A string that equals only a string of the same bytes.
///
/// Swift's `String` compares by canonical equivalence: "é" as one scalar equals "é" as two. PostgreSQL compares bytes,
/// and a version hash covers bytes. The order is the byte order of UTF-8, which is the order of code points and that of
/// PostgreSQL's collation "C".
public struct Text: Sendable {
    /// The same text as a string, for output and for parsing. Its `==`, `<` and `hashValue` are the ones to avoid.
    public let string: String

    /// Wraps a string, at no cost.
    public init(_ string: String) {
        self.string = string
    }

    /// Copies a part of a string.
    public init(_ part: Substring) {
        string = String(part)
    }

    /// The bytes.
    public var utf8: String.UTF8View { string.utf8 }

    /// Whether the text has no bytes.
    public var isEmpty: Bool { string.isEmpty }
}

extension Text: Hashable {
    /// Whether both texts have the same bytes.
    ///
    /// - Complexity: O(bytes), O(1) where the lengths differ.
    public static func == (left: Text, right: Text) -> Bool {
        guard left.string.utf8.count == right.string.utf8.count else { return false }
        return left.string.utf8Span.span.bytes.isSame(as: right.string.utf8Span.span.bytes)
    }

    /// Adds the bytes, and a byte that occurs in no UTF-8 text and so separates two texts.
    public func hash(into hasher: inout Hasher) {
        // On Linux a string is contiguous, so the copy shares its storage.
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8.max)
    }
}

extension Text: Comparable {
    /// Whether `left` comes before `right` in byte order.
    public static func < (left: Text, right: Text) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }
}

extension Text: LosslessStringConvertible {
    /// The text as a string.
    public var description: String { string }
}

extension Text: ExpressibleByStringInterpolation {
    /// Wraps a literal.
    public init(stringLiteral string: String) {
        self.string = string
    }
}

extension Sequence<Text> {
    /// The texts one after another, with `separator` between them.
    public func joined(separator: String = "") -> String {
        map(\.string).joined(separator: separator)
    }
}
