// Host and port of a Host field or a request target (RFC 9110 section 7.2, RFC 3986 section 3.2).

/// Checks `uri-host [":" port]`.
enum Authority {
    /// Whether a range holds a host that is not empty, and a port of at most 65,535 if there is a colon; user
    /// information is refused (RFC 9110 section 4.2.4).
    static func isValid(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let end = endOfHost(bytes, range), end > range.lowerBound else { return false }
        guard end < range.upperBound else { return true }
        return bytes[end] == UInt8(ascii: ":") && isPort(bytes, end + 1..<range.upperBound)
    }

    private static func endOfHost(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        if bytes[index] == UInt8(ascii: "[") {
            // An IP-literal. Its digits are not counted, because the server never connects to it.
            index += 1
            while index < range.upperBound, isAddressByte(bytes[index]) {
                index += 1
            }
            let isClosed = index < range.upperBound && bytes[index] == UInt8(ascii: "]") && index > range.lowerBound + 2
            return isClosed ? index + 1 : nil
        }
        while index < range.upperBound, bytes[index] != UInt8(ascii: ":") {
            if bytes[index] == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, Grammar.hexValue(bytes[index + 1]) != nil,
                    Grammar.hexValue(bytes[index + 2]) != nil
                else { return nil }
                index += 2
            } else if !Grammar.isRegisteredName(bytes[index]) {
                return nil
            }
            index += 1
        }
        return index
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        Grammar.hexValue(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// RFC 3986 section 3.2.3: port = *DIGIT. Leading zeros do not count towards the five digits.
    private static func isPort(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count <= 5 else { return false }
        var port = 0
        for index in range {
            guard Grammar.isDigit(bytes[index]) else { return false }
            port = port * 10 + Int(bytes[index] - 0x30)
        }
        return port <= 65_535
    }
}
