// Equality of two spans of bytes, eight bytes at a time.

extension RawSpan {
    /// Whether the bytes equal those of `other`.
    ///
    /// - Complexity: O(bytes), O(1) where the lengths differ.
    @inlinable
    @inline(__always)
    public func isSame(as other: RawSpan) -> Bool {
        let count = byteCount
        guard count == other.byteCount else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            // The eight bytes lie within both spans.
            let word = unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            guard word == other.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self) else {
                return false
            }
            offset &+= 8
        }
        while offset < count {
            let byte = unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            guard byte == other.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) else { return false }
            offset &+= 1
        }
        return true
    }
}
