// Strings: scanning, validation and unescaping.

import Base

/// Where a string stands in the reader's bytes.
public struct JSONText: Hashable, Sendable {
    /// The bytes between the quotes.
    public let range: Range<Int>
    /// True when there are escapes among them, so that the text is not the bytes.
    public let isEscaped: Bool
}

extension JSONReader {
    /// Reads a string without copying it.
    ///
    /// - Throws: `.wrongKind` when the next value is no string; what its encoding violates.
    public mutating func readText() throws(JSONError) -> JSONText {
        skipWhitespace()
        guard position < end, bytes[position] == UInt8(ascii: "\"") else { throw mismatch(expected: .string) }
        let text = try scanText()
        isFirst = false
        return text
    }

    /// Reads a string.
    ///
    /// - Throws: `.wrongKind` when the next value is no string; what its encoding violates.
    public mutating func readString() throws(JSONError) -> String {
        string(try readText())
    }

    /// The string that `text`, read by this reader, stands for.
    public func string(_ text: JSONText) -> String {
        if text.isEscaped { return String(decoding: unescaped(text.range), as: UTF8.self) }
        return String(decoding: bytes[text.range], as: UTF8.self)
    }

    /// True when `text`, read by this reader, is `other`, compared byte by byte.
    public func matches(_ text: JSONText, _ other: StaticString) -> Bool {
        if text.isEscaped { return string(text).utf8.elementsEqual(other.description.utf8) }
        let count = text.range.count
        guard count == other.utf8CodeUnitCount else { return false }
        // The literal's bytes are immortal; indices stay below its count, which equals the range's.
        let start = other.utf8Start
        for index in 0..<count where start[index] != bytes[text.range.lowerBound + index] { return false }
        return true
    }

    /// Which of `names` a text, read by this reader, is, compared byte by byte; nil for none.
    public func index(of text: JSONText, among names: JSONNames) -> Int? {
        if text.isEscaped { return names.index(of: Array(string(text).utf8).span.bytes) }
        return names.index(of: bytes.span.bytes.extracting(text.range))
    }

    /// True when both texts, read by this reader, are the same bytes between their quotes.
    public func hasSameBytes(_ text: Range<Int>, _ other: Range<Int>) -> Bool {
        bytes.span.bytes.extracting(text).isSame(as: bytes.span.bytes.extracting(other))
    }

    /// Appends bytes that this reader has passed over, as they stand.
    public func append(_ range: Range<Int>, to output: inout [UInt8]) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        // By way of a pointer, since a slice counts a reference and is copied element by element where not specialised.
        bytes.withUnsafeBufferPointer { output.append(contentsOf: UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// Scans a string whose opening quote is at the position.
    mutating func scanText() throws(JSONError) -> JSONText {
        let start = position + 1
        var isEscaped = false
        var index = start
        while true {
            index = bytes.span.bytes.firstSpecial(in: index..<end)
            guard index < end else { throw JSONError(.unexpectedEnd, at: end) }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                return JSONText(range: start..<index, isEscaped: isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                index = try scanEscape(at: index)
            case 0x80...: index = try scanMultibyte(at: index)
            default: throw JSONError(.controlCharacter, at: index)
            }
        }
    }

    /// Checks one escape, or a pair that makes a surrogate pair, and returns the index after it.
    private func scanEscape(at index: Int) throws(JSONError) -> Int {
        guard index + 1 < end else { throw JSONError(.unexpectedEnd, at: end) }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            let unit = try hexUnit(at: index)
            guard 0xD800...0xDFFF ~= unit else { return index + 6 }
            guard unit < 0xDC00 else { throw JSONError(.loneSurrogate, at: index) }
            guard index + 6 < end else { throw JSONError(.unexpectedEnd, at: end) }
            guard bytes[index + 6] == UInt8(ascii: "\\") else { throw JSONError(.loneSurrogate, at: index) }
            guard index + 7 < end else { throw JSONError(.unexpectedEnd, at: end) }
            guard bytes[index + 7] == UInt8(ascii: "u"), 0xDC00...0xDFFF ~= (try hexUnit(at: index + 6)) else {
                throw JSONError(.loneSurrogate, at: index)
            }
            return index + 12
        default:
            throw JSONError(.invalidEscape, at: index)
        }
    }

    /// The code unit of a `\uXXXX` that starts at `index`.
    private func hexUnit(at index: Int) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard index + offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            guard let digit = Self.hexDigit(bytes[index + offset]) else { throw JSONError(.invalidEscape, at: index) }
            unit = unit << 4 | digit
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// Checks one character of two to four bytes (RFC 3629 section 4) and returns the index after it.
    private func scanMultibyte(at index: Int) throws(JSONError) -> Int {
        let lead = bytes[index]
        let count: Int
        // The second byte's bounds exclude overlong forms, surrogates and values beyond U+10FFFF.
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw JSONError(.invalidUTF8, at: index)
        }
        for offset in 1..<count {
            guard index + offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            let bounds = offset == 1 ? second : 0x80...0xBF
            guard bounds.contains(bytes[index + offset]) else { throw JSONError(.invalidUTF8, at: index) }
        }
        return index + count
    }

    /// The UTF-8 of a scanned string with its escapes resolved.
    private func unescaped(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            switch bytes[index + 1] {
            case UInt8(ascii: "u"):
                let (scalar, length) = scannedScalar(at: index)
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                index += length
                continue
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case let byte: result.append(byte)
            }
            index += 2
        }
        return result
    }

    /// The scalar of the `\u` escape or pair at `index`, which the scan has found valid, and its length in bytes.
    private func scannedScalar(at index: Int) -> (Unicode.Scalar, Int) {
        func unit(_ index: Int) -> UInt32 {
            bytes[index + 2..<index + 6].reduce(0) { $0 << 4 | (Self.hexDigit($1) ?? 0) }
        }
        let first = unit(index)
        let isPair = 0xD800...0xDBFF ~= first
        let value = isPair ? 0x10000 + (first - 0xD800) << 10 + (unit(index + 6) - 0xDC00) : first
        guard let scalar = Unicode.Scalar(value) else { preconditionFailure("a scanned escape is a scalar value") }
        return (scalar, isPair ? 12 : 6)
    }
}
