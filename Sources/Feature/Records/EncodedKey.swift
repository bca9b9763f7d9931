// An encoded key, read value by value.

/// Reads one value after another from the encoding of a key.
public struct EncodedKey: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads from the first value on.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Whether all was read.
    public var isAtEnd: Bool { position == bytes.endIndex }

    /// The next value; nil at the end, and where the bytes are not an encoding that `RecordKey` writes.
    ///
    /// - Complexity: O(bytes of the value).
    public mutating func next() -> IDValue? {
        switch nextByte() {
        case KeyTag.false: .boolean(false)
        case KeyTag.true: .boolean(true)
        case KeyTag.integer: integer()
        case KeyTag.bigPositive: big(negative: false)
        case KeyTag.bigNegative: big(negative: true)
        case KeyTag.string: string()
        default: nil
        }
    }

    private mutating func nextByte() -> UInt8? {
        guard position < bytes.endIndex else { return nil }
        position += 1
        return bytes[position - 1]
    }

    private mutating func integer() -> IDValue? {
        guard position + 8 <= bytes.endIndex else { return nil }
        var shifted: UInt64 = 0
        for byte in bytes[position..<position + 8] { shifted = shifted << 8 | UInt64(byte) }
        position += 8
        return .integer(Int64(bitPattern: shifted ^ (1 << 63)))
    }

    private mutating func big(negative: Bool) -> IDValue? {
        let mask: UInt8 = negative ? 0xFF : 0
        guard let high = nextByte(), let low = nextByte() else { return nil }
        let count = Int(high ^ mask) << 8 | Int(low ^ mask)
        guard position + count <= bytes.endIndex else { return nil }
        let digits = bytes[position..<position + count].map { $0 ^ mask }
        position += count
        return .bigInteger((negative ? "-" : "") + String(decoding: digits, as: UTF8.self))
    }

    /// Most texts hold no U+0000 and end at the first zero byte.
    private mutating func string() -> IDValue? {
        var escaped: [UInt8] = []
        while let end = bytes[position...].firstIndex(of: KeyTag.end) {
            let run = bytes[position..<end]
            position = end + 1
            guard position < bytes.endIndex, bytes[position] == KeyTag.escapedZero else {
                let text =
                    escaped.isEmpty
                    ? String(validating: run, as: UTF8.self) : String(validating: escaped + run, as: UTF8.self)
                return text.map(IDValue.string)
            }
            position += 1
            escaped += run
            escaped.append(0)
        }
        return nil
    }
}
