// Numbers, literals, and values passed over.

extension JSONReader {
    /// Reads an integer.
    ///
    /// - Throws: `.wrongKind` when the next value is no number, `.invalidNumber`, `.numberOutOfRange` when it has a
    ///   fraction or an exponent or does not fit.
    public mutating func readInt64() throws(JSONError) -> Int64 {
        let (range, isInteger) = try scanNumber()
        guard isInteger, let value = int64(range) else { throw JSONError(.numberOutOfRange, at: range.lowerBound) }
        return value
    }

    /// Reads any number as the nearest double.
    ///
    /// - Throws: `.wrongKind` when the next value is no number, `.invalidNumber`, `.numberOutOfRange` when it is
    ///   beyond the largest double.
    public mutating func readDouble() throws(JSONError) -> Double {
        try double(scanNumber().range)
    }

    /// Reads `true` or `false`.
    ///
    /// - Throws: `.wrongKind` when the next value is neither.
    public mutating func readBool() throws(JSONError) -> Bool {
        guard try peekKind() == .bool else { throw mismatch(expected: .bool) }
        let value = bytes[position] == UInt8(ascii: "t")
        try scanLiteral(value ? "true" : "false")
        return value
    }

    /// Reads `null` if that is the next value.
    ///
    /// - Returns: false, with nothing read, when the next value is another.
    /// - Throws: `.unexpectedByte` or `.unexpectedEnd` when no value comes.
    public mutating func readNull() throws(JSONError) -> Bool {
        guard try peekKind() == .null else { return false }
        try scanLiteral("null")
        return true
    }

    /// Passes over the next value, whatever it is, checking it.
    ///
    /// - Returns: the bytes of the value, without white space around it, to be kept as they are.
    /// - Throws: what the grammar or the encoding of the value violates.
    /// - Complexity: O(bytes of the value), without allocating.
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        let kind = try peekKind()
        let start = position
        switch kind {
        case .null: try scanLiteral("null")
        case .bool: _ = try readBool()
        case .number: _ = try scanNumber()
        case .string: _ = try readText()
        case .array:
            try beginArray()
            while try nextElement() { _ = try skipValue() }
        case .object:
            try beginObject()
            while try nextKey() != nil { _ = try skipValue() }
        }
        return start..<position
    }

    private mutating func scanLiteral(_ literal: StaticString) throws(JSONError) {
        let start = literal.utf8Start
        for index in 0..<literal.utf8CodeUnitCount {
            guard position + index < end else { throw JSONError(.unexpectedEnd, at: end) }
            let byte = bytes[position + index]
            // The index stays below the literal's count.
            guard byte == start[index] else { throw JSONError(.unexpectedByte(byte), at: position + index) }
        }
        position += literal.utf8CodeUnitCount
        isFirst = false
    }

    /// Scans a number (RFC 8259 section 6); `isInteger` when it has neither fraction nor exponent.
    mutating func scanNumber() throws(JSONError) -> (range: Range<Int>, isInteger: Bool) {
        skipWhitespace()
        let start = position
        var index = start
        if index < end, bytes[index] == UInt8(ascii: "-") { index += 1 }
        guard index < end, Self.isDigit(bytes[index]) else {
            if index == start { throw mismatch(expected: .number) }
            throw index < end ? JSONError(.invalidNumber, at: start) : JSONError(.unexpectedEnd, at: end)
        }
        if bytes[index] == UInt8(ascii: "0") {
            index += 1
            if index < end, Self.isDigit(bytes[index]) { throw JSONError(.invalidNumber, at: start) }
        } else {
            skipDigits(&index)
        }
        var isInteger = true
        if index < end, bytes[index] == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            try requireDigits(&index, of: start)
        }
        if index < end, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index += 1
            if index < end, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index += 1 }
            try requireDigits(&index, of: start)
        }
        position = index
        isFirst = false
        return (start..<index, isInteger)
    }

    private func requireDigits(_ index: inout Int, of start: Int) throws(JSONError) {
        guard index < end else { throw JSONError(.unexpectedEnd, at: end) }
        guard Self.isDigit(bytes[index]) else { throw JSONError(.invalidNumber, at: start) }
        skipDigits(&index)
    }

    private func skipDigits(_ index: inout Int) {
        while index < end, Self.isDigit(bytes[index]) { index += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// The value of a scanned integer, or nil when 64 bits do not hold it.
    func int64(_ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        // Accumulated below zero, where one more value fits.
        var value: Int64 = 0
        while index < range.upperBound {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, borrow) = tens.subtractingReportingOverflow(Int64(bytes[index] - UInt8(ascii: "0")))
            if overflow || borrow { return nil }
            value = sum
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// The nearest double of a scanned number.
    func double(_ range: Range<Int>) throws(JSONError) -> Double {
        guard let value = Double(String(decoding: bytes[range], as: UTF8.self)), value.isFinite else {
            throw JSONError(.numberOutOfRange, at: range.lowerBound)
        }
        return value
    }
}
