// Splits the text of a filter into tokens.

/// Reads one token after another from the UTF-8 bytes of a filter.
struct FilterLexer {
    let bytes: [UInt8]
    private var offset = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The next token; `end` again and again after the last.
    mutating func next() throws(FilterSyntaxError) -> FilterToken {
        try skipBlanks()
        let start = offset
        let kind = try scan()
        return FilterToken(kind: kind, range: start..<offset)
    }

    /// Refuses U+0000 anywhere, because PostgreSQL stores no such character.
    func refuseZero() throws(FilterSyntaxError) {
        if let zero = bytes.firstIndex(of: 0) {
            throw error(at: zero, "unexpected U+0000; PostgreSQL stores no such character")
        }
    }

    /// An error at a byte offset, counted in Unicode scalars.
    func error(at offset: Int, _ detail: String) -> FilterSyntaxError {
        let scalars = bytes[..<offset].count { $0 & 0xC0 != 0x80 }
        return FilterSyntaxError(column: scalars + 1, detail: detail)
    }

    /// A part of the text for a message, cut to 40 scalars.
    func excerpt(_ range: Range<Int>) -> String {
        let scalars = String(decoding: bytes[range], as: UTF8.self).unicodeScalars
        return scalars.count <= 40 ? String(scalars) : String(String.UnicodeScalarView(scalars.prefix(40))) + "…"
    }

    /// Whether a text is a name without quotes.
    static func isPlainName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, isNameStart(first), FilterKeyword(word: text) == nil else {
            return false
        }
        return text.unicodeScalars.allSatisfy(isNamePart)
    }

    /// The text with each quote written twice.
    static func doubling(_ quote: UInt8, in text: String) -> String {
        String(decoding: text.utf8.flatMap { $0 == quote ? [$0, $0] : [$0] }, as: UTF8.self)
    }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? scalar == "_" || scalar.properties.isAlphabetic : scalar.properties.isXIDStart
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || isNameStart(scalar) || scalar.properties.isXIDContinue
    }

    private static func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { (0x30...0x39).contains($0) } ?? false
    }
}

extension FilterLexer {
    private var byte: UInt8? { byte(0) }

    private func byte(_ ahead: Int) -> UInt8? {
        offset + ahead < bytes.count ? bytes[offset + ahead] : nil
    }

    /// The scalar at an offset, which must be its first byte.
    private func scalar(at offset: Int) -> Unicode.Scalar? {
        var iterator = bytes[offset...].prefix(4).makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return scalar
    }

    private mutating func skipBlanks() throws(FilterSyntaxError) {
        while let byte {
            if byte == 0x20 || (0x09...0x0D).contains(byte) {
                offset += 1
            } else if byte == 0x2D, self.byte(1) == 0x2D {
                offset = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
            } else if byte == 0x2F, self.byte(1) == 0x2A {
                try skipComment()
            } else {
                return
            }
        }
    }

    /// Skips `/* … */`; such comments nest, as in PostgreSQL.
    private mutating func skipComment() throws(FilterSyntaxError) {
        let start = offset
        var depth = 0
        repeat {
            switch (byte, byte(1)) {
            case (0x2F, 0x2A):
                depth += 1
                offset += 2
            case (0x2A, 0x2F):
                depth -= 1
                offset += 2
            case (nil, _): throw error(at: start, "the comment has no end; close it with */")
            default: offset += 1
            }
        } while depth > 0
    }

    private mutating func scan() throws(FilterSyntaxError) -> FilterToken.Kind {
        guard let byte else { return .end }
        switch byte {
        case 0x27: return .string(try scanQuoted(0x27, "string"))
        case 0x22: return .name(try scanQuoted(0x22, "quoted name"))
        case 0x30...0x39: return .number(try scanNumber())
        case 0x2E where FilterLexer.isDigit(self.byte(1)): return .number(try scanNumber())
        case 0x3C, 0x3D, 0x3E, 0x21: return .comparison(try scanComparison())
        default: break
        }
        if let sign = FilterLexer.sign(byte) {
            offset += 1
            return sign
        }
        guard let first = scalar(at: offset), FilterLexer.isNameStart(first) else { throw strangeCharacter() }
        let word = scanWord()
        return FilterKeyword(word: word).map(FilterToken.Kind.keyword) ?? .name(word)
    }

    private static func sign(_ byte: UInt8) -> FilterToken.Kind? {
        switch byte {
        case 0x28: .open
        case 0x29: .close
        case 0x2C: .comma
        case 0x2E: .dot
        case 0x2D: .minus
        case 0x2B: .plus
        default: nil
        }
    }

    private mutating func scanWord() -> String {
        let start = offset
        while offset < bytes.count, let scalar = scalar(at: offset), FilterLexer.isNamePart(scalar) {
            offset += UTF8.width(scalar)
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func scanComparison() throws(FilterSyntaxError) -> FilterComparison {
        let comparison: (FilterComparison, length: Int)? =
            switch (byte, byte(1)) {
            case (0x3D, 0x3D): (.equal, 2)
            case (0x3D, _): (.equal, 1)
            case (0x21, 0x3D), (0x3C, 0x3E): (.notEqual, 2)
            case (0x3C, 0x3D): (.lessOrEqual, 2)
            case (0x3C, _): (.less, 1)
            case (0x3E, 0x3D): (.greaterOrEqual, 2)
            case (0x3E, _): (.greater, 1)
            default: nil
            }
        guard let comparison else { throw error(at: offset, "unexpected !; write NOT, or != for unequal") }
        offset += comparison.length
        return comparison.0
    }

    private mutating func scanQuoted(_ quote: UInt8, _ noun: String) throws(FilterSyntaxError) -> String {
        let start = offset
        var content: [UInt8] = []
        offset += 1
        while let byte {
            if byte == quote {
                guard self.byte(1) == quote else { break }
                offset += 1
            }
            content.append(byte)
            offset += 1
        }
        let mark = quote == 0x27 ? "'" : "\""
        guard byte != nil else { throw error(at: start, "the \(noun) has no end; close it with \(mark)") }
        offset += 1
        if quote == 0x22, content.isEmpty { throw error(at: start, "a quoted name cannot be empty") }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func scanNumber() throws(FilterSyntaxError) -> FilterNumber {
        let start = offset
        skipDigits()
        if byte == 0x2E {
            offset += 1
            skipDigits()
        }
        var power = 0
        if byte == 0x65 || byte == 0x45 {
            offset += byte(1) == 0x2B || byte(1) == 0x2D ? 2 : 1
            let digits = offset
            skipDigits()
            guard digits < offset else { throw error(at: digits, "expected the digits of the exponent") }
            // More digits than an Int holds are beyond every bound.
            power = Int(String(decoding: bytes[digits..<offset], as: UTF8.self)) ?? Int.max
        }
        if let next = scalar(at: offset), next == "." || FilterLexer.isNamePart(next) {
            throw error(at: offset, "unexpected \(next) after the number")
        }
        guard offset - start <= FilterLimits.numberBytesMax, power <= FilterLimits.numberExponentMax,
            let number = FilterNumber(String(decoding: bytes[start..<offset], as: UTF8.self))
        else {
            throw error(
                at: start,
                "the number is too long: at most \(FilterLimits.numberBytesMax) characters and an exponent within "
                    + "±\(FilterLimits.numberExponentMax)")
        }
        return number
    }

    private mutating func skipDigits() {
        while FilterLexer.isDigit(byte) { offset += 1 }
    }

    private func strangeCharacter() -> FilterSyntaxError {
        guard let scalar = scalar(at: offset) else { return error(at: offset, "the text is not UTF-8") }
        let code = String(scalar.value, radix: 16, uppercase: true)
        let name = "U+" + String(repeating: "0", count: max(0, 4 - code.utf8.count)) + code
        let hint =
            switch scalar {
            case "`": "; quote names with \""
            case "\u{2018}", "\u{2019}": "; quote strings with '"
            case "\u{201C}", "\u{201D}": "; quote names with \" and strings with '"
            case ";": "; a filter is one condition"
            case "&", "|": "; write AND or OR"
            case "\u{A0}", "\u{FEFF}": "; use plain spaces"
            default: ""
            }
        let isVisible = scalar.value > 0x20 && scalar.value != 0x7F && !scalar.properties.isWhitespace
        return error(at: offset, "unexpected \(isVisible ? "\(scalar) (\(name))" : name)\(hint)")
    }
}
