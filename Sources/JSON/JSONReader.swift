// A pull reader over JSON bytes: structure, separators and kinds.

/// Reads JSON (RFC 8259) value by value, without building a tree.
///
/// The caller asks for what it expects:
/// ```swift
/// try reader.beginObject()
/// while let name = try reader.nextKey() {
///     if reader.matches(name, "id") { id = try reader.readInt64() } else { _ = try reader.skipValue() }
/// }
/// try reader.finish()
/// ```
/// Everything that is passed over is fully checked (UTF-8, escapes, numbers), with one exception: `nextKey` and
/// `skipValue` do not notice a name that comes twice in one object. A caller that looks for known names sees that
/// itself; ``readValue()`` refuses it.
public struct JSONReader: Sendable {
    /// The most containers inside one another.
    public static let depthMax = 128

    /// The bytes that are read, as given.
    public let bytes: [UInt8]
    /// The next byte to read, counted from the start of ``bytes``.
    public internal(set) var position: Int
    /// The end of the document inside ``bytes``.
    let end: Int
    /// Containers that are open.
    var depth = 0
    /// True from the opening of a container to its first value: no comma is due. One flag serves all levels, since
    /// closing a container completes a value of the one around it.
    var isFirst = true

    /// Reads the whole of `bytes` as one document.
    public init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    /// Reads a part of `bytes` as one document, for example one line of NDJSON, without copying it.
    ///
    /// - Parameters:
    ///   - bytes: the buffer; offsets in errors count from its start.
    ///   - range: the bytes of the document; within `bytes`.
    public init(_ bytes: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The kind of the next value, which stays unread.
    ///
    /// - Throws: `.unexpectedEnd`, or `.unexpectedByte` when no value begins here.
    public mutating func peekKind() throws(JSONError) -> JSONKind {
        skipWhitespace()
        guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case let byte: throw JSONError(.unexpectedByte(byte), at: position)
        }
    }

    /// Enters an object; ``nextKey()`` follows.
    ///
    /// - Throws: `.wrongKind` when the next value is no object, `.tooDeep`.
    public mutating func beginObject() throws(JSONError) {
        try open(UInt8(ascii: "{"), .object)
    }

    /// Enters an array; ``nextElement()`` follows.
    ///
    /// - Throws: `.wrongKind` when the next value is no array, `.tooDeep`.
    public mutating func beginArray() throws(JSONError) {
        try open(UInt8(ascii: "["), .array)
    }

    /// The name of the next member, whose value is read next; nil when the object has ended and was left.
    ///
    /// - Throws: what the grammar or the encoding of the name violates.
    public mutating func nextKey() throws(JSONError) -> JSONText? {
        guard try advance(closing: UInt8(ascii: "}")) else { return nil }
        guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
        guard bytes[position] == UInt8(ascii: "\"") else {
            throw JSONError(.unexpectedByte(bytes[position]), at: position)
        }
        let name = try scanText()
        skipWhitespace()
        guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
        guard bytes[position] == UInt8(ascii: ":") else {
            throw JSONError(.unexpectedByte(bytes[position]), at: position)
        }
        position += 1
        return name
    }

    /// True when another element follows, which is read next; false when the array has ended and was left.
    ///
    /// - Throws: `.unexpectedEnd`, or `.unexpectedByte` when neither a comma nor the end of the array comes.
    public mutating func nextElement() throws(JSONError) -> Bool {
        try advance(closing: UInt8(ascii: "]"))
    }

    /// Checks that nothing but white space follows.
    ///
    /// - Throws: `.trailingBytes`; `.unexpectedEnd` when a container is still open.
    public mutating func finish() throws(JSONError) {
        skipWhitespace()
        guard position == end else { throw JSONError(.trailingBytes, at: position) }
        guard depth == 0 else { throw JSONError(.unexpectedEnd, at: end) }
    }

    /// Passes over white space (RFC 8259 section 2). Compact documents have none: that case stays in the caller.
    @inline(__always)
    mutating func skipWhitespace() {
        if position < end, bytes[position] > 0x20 { return }
        skipSpaces()
    }

    private mutating func skipSpaces() {
        while position < end {
            let byte = bytes[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    /// The error for a value of another kind than asked for, or for no value at all.
    mutating func mismatch(expected: JSONKind) -> JSONError {
        do {
            return JSONError(.wrongKind(expected: expected, found: try peekKind()), at: position)
        } catch {
            return error
        }
    }

    private mutating func open(_ bracket: UInt8, _ kind: JSONKind) throws(JSONError) {
        skipWhitespace()
        guard position < end, bytes[position] == bracket else { throw mismatch(expected: kind) }
        guard depth < Self.depthMax else { throw JSONError(.tooDeep, at: position) }
        position += 1
        depth += 1
        isFirst = true
    }

    /// Passes the comma that is due, or leaves the container: then false.
    @inline(__always)
    private mutating func advance(closing bracket: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        guard position < end else { throw JSONError(.unexpectedEnd, at: end) }
        let byte = bytes[position]
        if byte == bracket {
            position += 1
            depth -= 1
            isFirst = false
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte(byte), at: position) }
        position += 1
        skipWhitespace()
        return true
    }
}
