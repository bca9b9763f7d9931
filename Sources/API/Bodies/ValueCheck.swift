// Checks values that are kept as they stand, for what JSON allows and the database does not.

import JSON

/// Passes over one value, checking it.
struct ValueCheck {
    /// The first thing that is wrong.
    private(set) var fault: String?

    /// Reads the next value.
    ///
    /// - Returns: its bytes.
    /// - Throws: where they are not JSON.
    mutating func read(_ reader: inout JSONReader) throws(JSONError) -> Range<Int> {
        let kind = try reader.peekKind()
        let start = reader.position
        switch kind {
        case .null, .bool: _ = try reader.skipValue()
        case .number: checkNumber(reader.bytes[try reader.skipValue()])
        case .string:
            let text = try reader.readText()
            if text.isEscaped && reader.bytes.hasEscapedZero(text.range) { note(FaultText.zero) }
        case .array:
            try reader.beginArray()
            while try reader.nextElement() { _ = try read(&reader) }
        case .object: try readObject(&reader)
        }
        return start..<reader.position
    }

    private mutating func readObject(_ reader: inout JSONReader) throws(JSONError) {
        var names = NameSet()
        try reader.beginObject()
        while let name = try reader.nextKey() {
            if !names.insert(name, reader) { note("the member \"\(reader.string(name))\" comes twice") }
            if name.isEscaped && reader.bytes.hasEscapedZero(name.range) { note(FaultText.zero) }
            _ = try read(&reader)
        }
    }

    /// The database keeps every digit of a number, up to a bound that clients do not know.
    private mutating func checkNumber(_ digits: ArraySlice<UInt8>) {
        if digits.count > RequestLimits.numberBytesMax {
            return note("a number has at most \(RequestLimits.numberBytesMax) characters")
        }
        guard let mark = digits.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return }
        var exponent = 0
        for byte in digits[(mark + 1)...] where byte != UInt8(ascii: "+") && byte != UInt8(ascii: "-") {
            exponent = min(exponent * 10 + Int(byte - UInt8(ascii: "0")), RequestLimits.exponentMax + 1)
        }
        if exponent > RequestLimits.exponentMax {
            note("the exponent of a number is at most \(RequestLimits.exponentMax)")
        }
    }

    private mutating func note(_ detail: String) {
        if fault == nil { fault = detail }
    }
}

extension [UInt8] {
    /// Whether a string that was scanned has the escape of U+0000; only an escape can bring it.
    func hasEscapedZero(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            guard self[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            let isZero =
                index + 5 < range.upperBound && self[index + 1] == UInt8(ascii: "u")
                && self[index + 2..<index + 6].allSatisfy { $0 == UInt8(ascii: "0") }
            if isZero { return true }
            index += 2
        }
        return false
    }
}
