// Searches and copies on spans of bytes.

extension Span<UInt8> {
    /// The position of the first LF at or after `start`.
    func firstLineFeed(from start: Int) -> Int? {
        var index = start
        while index < count {
            if self[index] == Grammar.lf { return index }
            index += 1
        }
        return nil
    }

    /// Whether the span begins with these bytes.
    func starts(with bytes: [UInt8]) -> Bool {
        guard count >= bytes.count else { return false }
        let mine = self.bytes
        let others = bytes.span.bytes
        var offset = 0
        // Eight at a time; both spans are at least as long as the loop runs.
        while offset + 8 <= bytes.count {
            let left = unsafe mine.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let right = unsafe others.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard left == right else { return false }
            offset += 8
        }
        while offset < bytes.count {
            guard self[offset] == bytes[offset] else { return false }
            offset += 1
        }
        return true
    }

    /// The bytes of a range as an array.
    func copy(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBufferPointer { Array($0) }
    }

    /// Whether a range equals `text` without regard to ASCII case; `text` is in lower case.
    func equals(_ text: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            for offset in 0..<wanted.count where Grammar.lowercased(self[range.lowerBound + offset]) != wanted[offset] {
                return false
            }
            return true
        }
    }

    /// The range without the spaces and tabs at its ends (OWS, RFC 9110 section 5.6.3).
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, self[lower] == Grammar.space || self[lower] == Grammar.tab {
            lower += 1
        }
        while lower < upper, self[upper - 1] == Grammar.space || self[upper - 1] == Grammar.tab {
            upper -= 1
        }
        return lower..<upper
    }

    /// Calls `body` with each element of a comma-separated list, without the white space around it.
    func forEachListElement<E: Error>(
        in range: Range<Int>, _ body: (Range<Int>) throws(E) -> Void
    ) throws(E) {
        var start = range.lowerBound
        for index in range where self[index] == UInt8(ascii: ",") {
            try body(trimmed(start..<index))
            start = index + 1
        }
        try body(trimmed(start..<range.upperBound))
    }
}

extension Range where Bound == UInt32 {
    /// A range of positions in a head, which `ProtocolLimits` keeps below 2^20.
    init(narrowing range: Range<Int>) {
        self = UInt32(truncatingIfNeeded: range.lowerBound)..<UInt32(truncatingIfNeeded: range.upperBound)
    }

    /// The same range as positions in an array.
    var widened: Range<Int> {
        Int(lowerBound)..<Int(upperBound)
    }
}
