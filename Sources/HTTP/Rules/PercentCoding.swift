// Strict percent-decoding of paths and queries (RFC 3986 sections 2.1, 3.3 and 3.4).

/// Checks and decodes percent-encoded text.
enum PercentCoding {
    /// Whether the bytes are well-formed: each "%" has two hexadecimal digits, and the decoded bytes are UTF-8 without
    /// NUL. ASCII delimiters separate the segments of a path and the items of a query, so checking the whole checks the
    /// parts.
    static func isWellFormed(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound, bytes[index] != UInt8(ascii: "%") {
            index += 1
        }
        guard index < range.upperBound else { return true }
        guard let decoded = decode(bytes, in: range), !decoded.contains(0) else { return false }
        return String(validating: decoded, as: UTF8.self) != nil
    }

    static func segments(of bytes: Span<UInt8>, in range: Range<Int>) -> [String] {
        guard range.count > 1 else { return [] }
        return split(bytes, in: range.lowerBound + 1..<range.upperBound, at: UInt8(ascii: "/")).map {
            text(bytes, in: $0)
        }
    }

    static func items(of bytes: Span<UInt8>, in range: Range<Int>) -> [(name: String, value: String)] {
        guard !range.isEmpty else { return [] }
        var items: [(name: String, value: String)] = []
        for part in split(bytes, in: range, at: UInt8(ascii: "&")) where !part.isEmpty {
            let equals = part.first { bytes[$0] == UInt8(ascii: "=") } ?? part.upperBound
            let name = text(bytes, in: part.lowerBound..<equals, plus: UInt8(ascii: " "))
            let value = min(equals + 1, part.upperBound)..<part.upperBound
            items.append((name, text(bytes, in: value, plus: UInt8(ascii: " "))))
        }
        return items
    }

    /// The parts between delimiters, empty ones included.
    private static func split(_ bytes: Span<UInt8>, in range: Range<Int>, at delimiter: UInt8) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = range.lowerBound
        for index in range where bytes[index] == delimiter {
            parts.append(start..<index)
            start = index + 1
        }
        parts.append(start..<range.upperBound)
        return parts
    }

    /// - Parameter plus: the byte that an unencoded plus sign decodes to.
    private static func text(
        _ bytes: Span<UInt8>, in range: Range<Int>, plus: UInt8 = UInt8(ascii: "+")
    ) -> String {
        let part = bytes.extracting(range)
        if part.indices.allSatisfy({ part[$0] != UInt8(ascii: "%") && part[$0] != UInt8(ascii: "+") }),
            let text = part.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) })
        {
            return text
        }
        guard let decoded = decode(bytes, in: range, plus: plus), let text = String(validating: decoded, as: UTF8.self)
        else {
            preconditionFailure("the parser lets only well-formed targets through")
        }
        return text
    }

    /// The decoded bytes, nil when a "%" is not followed by two hexadecimal digits.
    private static func decode(
        _ bytes: Span<UInt8>, in range: Range<Int>, plus: UInt8 = UInt8(ascii: "+")
    ) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, let high = Grammar.hexValue(bytes[index + 1]),
                    let low = Grammar.hexValue(bytes[index + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index] == UInt8(ascii: "+") ? plus : bytes[index])
                index += 1
            }
        }
        return decoded
    }
}
