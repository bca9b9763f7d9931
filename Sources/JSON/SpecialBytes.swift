// Looks at the bytes of strings eight at a time.

extension RawSpan {
    /// The index of the first byte in `range` that is a quote, a backslash, a control character or beyond ASCII; the
    /// end of `range` when there is none.
    ///
    /// Takes eight bytes at a time: most bytes of rows are inside strings of 10 to 60 plain bytes.
    @inline(__always)
    func firstSpecial(in range: Range<Int>) -> Int {
        precondition(range.upperBound <= byteCount)
        var index = range.lowerBound
        while index &+ 8 <= range.upperBound {
            // The eight bytes lie within the range, which lies within the span.
            let word = unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            let specials = Self.specials(UInt64(littleEndian: word))
            if specials != 0 { return index &+ specials.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < range.upperBound {
            let byte = unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
            if byte &- 0x20 >= 0x60 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
            index &+= 1
        }
        return index
    }

    /// The top bit of each byte that is special; exact up to the lowest one, above which a borrow may set more.
    private static func specials(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let low = (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | (word &- ones &* 0x20) & ~word
        return (low | word) & (ones &* 0x80)
    }
}
