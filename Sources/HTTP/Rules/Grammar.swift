// The byte classes of RFC 9110 and RFC 3986: tokens, field values, digits and URI characters.

/// Byte classes. Every test looks at one byte, without regard to Unicode.
enum Grammar {
    static let tab: UInt8 = 0x09
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20

    /// RFC 9110 section 5.6.2: tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" /
    /// "|" / "~" / DIGIT / ALPHA. As constants because a lazily made global costs a check at each byte.
    static func isToken(_ byte: UInt8) -> Bool {
        contains(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE, byte)
    }

    /// RFC 9110 section 5.5: field-content is VCHAR, obs-text, SP and HTAB.
    static func isFieldValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 ? byte != 0x7F : byte == tab
    }

    /// RFC 3986 section 3.3: pchar without pct-encoded, and "/".
    static func isPath(_ byte: UInt8) -> Bool {
        contains(low: 0x2FFF_FFD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFF, byte)
    }

    /// RFC 3986 section 3.2.2: reg-name without pct-encoded, and without ",", which would allow a list of hosts.
    static func isRegisteredName(_ byte: UInt8) -> Bool {
        contains(low: 0x2BFF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE, byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10
    }

    /// The value of a hexadecimal digit, nil for any other byte.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// The byte in lower case if it is an ASCII letter, otherwise unchanged.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    @inline(__always)
    private static func contains(low: UInt64, high: UInt64, _ byte: UInt8) -> Bool {
        byte < 0x80 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }
}
