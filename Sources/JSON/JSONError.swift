// Why bytes are not an acceptable JSON document, and where.

/// The kinds of JSON value, as their first byte tells them apart.
public enum JSONKind: String, Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool
    /// Any number.
    case number
    /// A string.
    case string
    /// An array.
    case array
    /// An object.
    case object
}

/// A refused document: what is wrong, and at which byte.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Hashable, Sendable {
        /// The document ends inside a value.
        case unexpectedEnd
        /// A byte that the grammar does not allow here.
        case unexpectedByte(UInt8)
        /// A value of another kind than the reader was asked for.
        case wrongKind(expected: JSONKind, found: JSONKind)
        /// Not the shortest UTF-8 form of a Unicode scalar value (RFC 3629).
        case invalidUTF8
        /// A control character below U+0020 that is not escaped.
        case controlCharacter
        /// A backslash not followed by one of `"\/bfnrt` or `u` and four hex digits.
        case invalidEscape
        /// A `\u` escape of a surrogate without its other half.
        case loneSurrogate
        /// Not a number by the grammar: leading zero, missing digits, a plus sign.
        case invalidNumber
        /// A number that the type asked for cannot hold: too large, or with a fraction where an integer is due.
        case numberOutOfRange
        /// A member name that the same object has already.
        case duplicateName(String)
        /// More than ``JSONReader/depthMax`` containers inside one another.
        case tooDeep
        /// Something other than white space after the value.
        case trailingBytes
    }

    /// What is wrong.
    public let reason: Reason
    /// The byte where it is wrong, counted from 0 at the start of the buffer.
    public let offset: Int
    /// The innermost value that holds the fault; the root when the fault is in no structure, or in a pull reader,
    /// whose caller knows the place.
    public internal(set) var pointer: JSONPointer

    init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
        pointer = .root
    }

    /// One sentence for people: the reason, the byte and the pointer.
    public var description: String {
        let place = pointer == .root ? "" : " in \(pointer)"
        return "\(reason.description) at byte \(offset)\(place)"
    }
}

extension JSONError.Reason: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .unexpectedEnd: "unexpected end"
        case .unexpectedByte(let byte): "unexpected byte \(Self.show(byte))"
        case .wrongKind(let expected, let found): "\(found) where \(expected) is expected"
        case .invalidUTF8: "invalid UTF-8"
        case .controlCharacter: "control character that is not escaped"
        case .invalidEscape: "invalid escape"
        case .loneSurrogate: "lone surrogate"
        case .invalidNumber: "invalid number"
        case .numberOutOfRange: "number out of range"
        case .duplicateName(let name): "duplicate member name \"\(name)\""
        case .tooDeep: "more than \(JSONReader.depthMax) levels"
        case .trailingBytes: "bytes after the value"
        }
    }

    private static func show(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "0x" + (digits.utf8.count == 1 ? "0" : "") + digits
    }
}
