// One bit for each of the 1,024 records of a block.

/// The bits of one block: bit `i` stands for record id `block * 1024 + i`.
///
/// Sixteen machine words, so set algebra over a block is a handful of instructions.
public struct BlockBits: Hashable, Sendable {
    /// How many record ids a block covers.
    public static let count = 1024

    /// The words, lowest record id first; within a word the most significant bit is the lowest record id, as in a
    /// PostgreSQL bit string.
    public var words: SIMD16<UInt64>

    /// No bit set.
    public init() {
        words = .zero
    }

    /// Exactly the bits at these offsets.
    ///
    /// - Parameter offsets: 0..<1024 each.
    public init(_ offsets: some Sequence<Int>) {
        self.init()
        for offset in offsets { insert(offset) }
    }

    /// Whether no bit is set.
    public var isEmpty: Bool { words == .zero }

    /// How many bits are set.
    public var popcount: Int {
        var total = 0
        for lane in 0..<16 { total += words[lane].nonzeroBitCount }
        return total
    }

    /// Whether the bit at `offset` is set.
    ///
    /// - Parameter offset: 0..<1024.
    public func contains(_ offset: Int) -> Bool {
        words[offset >> 6] & Self.mask(offset) != 0
    }

    /// Sets the bit at `offset`.
    ///
    /// - Parameter offset: 0..<1024.
    public mutating func insert(_ offset: Int) {
        words[offset >> 6] |= Self.mask(offset)
    }

    /// Clears the bit at `offset`.
    ///
    /// - Parameter offset: 0..<1024.
    public mutating func remove(_ offset: Int) {
        words[offset >> 6] &= ~Self.mask(offset)
    }

    /// The offsets of the set bits, ascending.
    public var offsets: [Int] {
        var result: [Int] = []
        result.reserveCapacity(popcount)
        for lane in 0..<16 {
            var word = words[lane]
            while word != 0 {
                let bit = word.leadingZeroBitCount
                result.append(lane << 6 | bit)
                word &= ~Self.mask(bit)
            }
        }
        return result
    }

    /// The bits set in either.
    public static func | (left: BlockBits, right: BlockBits) -> BlockBits {
        BlockBits(words: left.words | right.words)
    }

    /// The bits set in both.
    public static func & (left: BlockBits, right: BlockBits) -> BlockBits {
        BlockBits(words: left.words & right.words)
    }

    /// The bits set in `left` and not in `right`.
    public static func - (left: BlockBits, right: BlockBits) -> BlockBits {
        BlockBits(words: left.words & ~right.words)
    }

    /// Adds the bits of `right`.
    public static func |= (left: inout BlockBits, right: BlockBits) { left.words |= right.words }

    /// Takes the bits of `right` away.
    public static func -= (left: inout BlockBits, right: BlockBits) { left.words &= ~right.words }

    /// The bits of these words.
    public init(words: SIMD16<UInt64>) {
        self.words = words
    }

    private static func mask(_ offset: Int) -> UInt64 {
        1 << UInt64(63 - (offset & 63))
    }
}
