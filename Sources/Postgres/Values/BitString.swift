// A fixed number of bits in PostgreSQL's order, for bit(n) columns.

/// A string of `count` bits with set operations; the value of a `bit(n)` column.
///
/// Bit 0 is the leftmost bit of PostgreSQL's text form and the most significant bit of the first byte on the wire.
/// The operands of an operation must have the same count.
public struct BitString: Hashable, Sendable {
    /// The number of bits.
    public let count: Int
    /// Bit i is the bit 63 - i % 64 of word i / 64; bits past `count` are 0.
    public internal(set) var words: [UInt64]

    /// A string of `count` zeros.
    public init(count: Int) {
        precondition(count >= 0, "a bit string has no negative length")
        self.count = count
        self.words = [UInt64](repeating: 0, count: (count + 63) / 64)
    }

    /// The bits of these words.
    ///
    /// - Parameter words: as many as `count` needs; bits past `count` are 0.
    public init(count: Int, words: [UInt64]) {
        precondition(words.count == (count + 63) / 64, "one word for each 64 bits")
        self.count = count
        self.words = words
    }

    /// A string of `count` bits with those at `indices` set; each index in `0..<count`.
    public init(count: Int, setting indices: some Sequence<Int>) {
        self.init(count: count)
        for index in indices { self[index] = true }
    }

    /// The bit at `index`, in `0..<count`.
    public subscript(index: Int) -> Bool {
        get {
            precondition(index >= 0 && index < count, "bit index out of range")
            return words[index / 64] & Self.mask(index) != 0
        }
        set {
            precondition(index >= 0 && index < count, "bit index out of range")
            if newValue {
                words[index / 64] |= Self.mask(index)
            } else {
                words[index / 64] &= ~Self.mask(index)
            }
        }
    }

    /// The number of bits that are set.
    /// - Complexity: O(count / 64).
    public var popcount: Int {
        words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether no bit is set.
    public var isZero: Bool {
        words.allSatisfy { $0 == 0 }
    }

    /// The indices of the bits that are set, ascending.
    /// - Complexity: O(count / 64 + popcount) for all of them.
    public var ones: Ones {
        Ones(words: words)
    }

    /// The bits set in either string.
    public static func | (left: BitString, right: BitString) -> BitString {
        left.combined(with: right) { $0 | $1 }
    }

    /// The bits set in both strings.
    public static func & (left: BitString, right: BitString) -> BitString {
        left.combined(with: right) { $0 & $1 }
    }

    /// The bits set here but not in `other`.
    public func subtracting(_ other: BitString) -> BitString {
        combined(with: other) { $0 & ~$1 }
    }

    private func combined(with other: BitString, _ operation: (UInt64, UInt64) -> UInt64) -> BitString {
        precondition(count == other.count, "bit strings of different lengths")
        var result = self
        for index in words.indices {
            result.words[index] = operation(words[index], other.words[index])
        }
        return result
    }

    private static func mask(_ index: Int) -> UInt64 {
        1 << UInt64(63 - index % 64)
    }
}

extension BitString {
    /// The ascending indices of set bits.
    public struct Ones: Sequence, IteratorProtocol, Sendable {
        private let words: [UInt64]
        private var position = 0
        private var rest: UInt64

        fileprivate init(words: [UInt64]) {
            self.words = words
            self.rest = words.first ?? 0
        }

        /// The next index, nil after the last.
        public mutating func next() -> Int? {
            while rest == 0 {
                position += 1
                guard position < words.count else { return nil }
                rest = words[position]
            }
            let bit = rest.leadingZeroBitCount
            rest &= ~(1 << UInt64(63 - bit))
            return position * 64 + bit
        }
    }
}

extension BitString: CustomStringConvertible {
    /// PostgreSQL's text form: a `0` or `1` for each bit.
    public var description: String {
        String((0..<count).map { self[$0] ? "1" : "0" })
    }
}
