// The values of a record's id columns, and their order-preserving encoding.

public import JSON

/// The value of one id column.
public enum IDValue: Hashable, Sendable {
    /// A whole number within 64 bits.
    case integer(Int64)
    /// A whole number beyond 64 bits: canonical decimal digits, `-` in front of a negative one.
    case bigInteger(String)
    /// Text, ordered by code point.
    case string(String)
    /// A truth value; false comes before true.
    case boolean(Bool)

    /// The value of an id column as JSON writes it, or nil where JSON has something that cannot be an id (null, a
    /// fraction, an array, an object).
    public init?(_ json: JSONValue) {
        switch json {
        case .integer(let value): self = .integer(value)
        case .bigInteger(let digits): self = .bigInteger(digits)
        case .string(let text): self = .string(text)
        case .bool(let value): self = .boolean(value)
        default: return nil
        }
    }

    /// This value as JSON.
    public var json: JSONValue {
        switch self {
        case .integer(let value): .integer(value)
        case .bigInteger(let digits): .bigInteger(digits)
        case .string(let text): .string(text)
        case .boolean(let value): .bool(value)
        }
    }
}

/// The values of a record's id columns, in the order of its id space.
///
/// `encoded` sorts bytewise as the values sort: column after column, integers as numbers, text by code point. So one
/// index answers equality, and one `ORDER BY` gives the order in which groups are hashed.
public struct RecordKey: Hashable, Sendable {
    /// The longest encoded key: a btree entry must fit a third of a page.
    public static let encodedBytesMax = 2048

    /// One value for each id column.
    public let values: [IDValue]

    /// The key of these values.
    public init(_ values: [IDValue]) {
        self.values = values
    }

    /// Reads an encoded key.
    ///
    /// - Returns: nil where the bytes are not an encoding that this type writes.
    public init?(encoded bytes: [UInt8]) {
        var reader = EncodedKey(bytes[...])
        var values: [IDValue] = []
        while !reader.isAtEnd {
            guard let value = reader.next() else { return nil }
            values.append(value)
        }
        self.values = values
    }

    /// The order-preserving encoding.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16 * values.count)
        encode(into: &bytes)
        return bytes
    }

    /// Appends the order-preserving encoding.
    public func encode(into bytes: inout [UInt8]) {
        for value in values { value.encode(into: &bytes) }
    }

    /// The key with its values in another order: value `i` of the result is value `order[i]` of this key.
    public func reordered(_ order: [Int]) -> RecordKey {
        RecordKey(order.map { values[$0] })
    }
}

extension IDValue {
    /// Appends the encoding of one value of a key.
    public func encode(into bytes: inout [UInt8]) {
        switch self {
        case .boolean(let flag):
            bytes.append(flag ? KeyTag.true : KeyTag.false)
        case .integer(let number):
            bytes.append(KeyTag.integer)
            let shifted = UInt64(bitPattern: number) ^ (1 << 63)
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: shifted >> shift))
            }
        case .bigInteger(let digits):
            Self.encodeBig(digits, into: &bytes)
        case .string(let text):
            bytes.append(KeyTag.string)
            var text = text
            text.withUTF8 { utf8 in
                guard utf8.contains(0) else { return bytes.append(contentsOf: utf8) }
                for byte in utf8 {
                    bytes.append(byte)
                    if byte == 0 { bytes.append(KeyTag.escapedZero) }
                }
            }
            bytes.append(KeyTag.end)
        }
    }

    /// Longer numbers are larger: the digit count comes first, and a negative number is written in complement.
    private static func encodeBig(_ digits: String, into bytes: inout [UInt8]) {
        let negative = digits.utf8.first == UInt8(ascii: "-")
        let magnitude = negative ? Array(digits.utf8.dropFirst()) : Array(digits.utf8)
        bytes.append(negative ? KeyTag.bigNegative : KeyTag.bigPositive)
        let count = UInt16(clamping: magnitude.count)
        let body = [UInt8(count >> 8), UInt8(count & 0xFF)] + magnitude
        bytes.append(contentsOf: negative ? body.map { ~$0 } : body)
    }
}

/// The first byte of each encoded value, in the order of the kinds.
enum KeyTag {
    static let end: UInt8 = 0x00
    static let `false`: UInt8 = 0x02
    static let `true`: UInt8 = 0x03
    static let bigNegative: UInt8 = 0x10
    static let integer: UInt8 = 0x11
    static let bigPositive: UInt8 = 0x12
    static let string: UInt8 = 0x20
    static let escapedZero: UInt8 = 0xFF
}
