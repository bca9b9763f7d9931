// A header field whose value is a hexadecimal number, such as a request identifier.

/// A field of 128 bits in 32 lower-case hexadecimal digits, such as the identifier of a request.
///
/// The encoder writes it after the fields of `HeaderFields`. A response that differs only in its identifier needs no
/// copy of its header fields.
public struct HexField: Sendable {
    let name: FieldName
    let high: UInt64
    let low: UInt64

    /// Creates a field.
    ///
    /// - Parameters:
    ///   - name: the field's name.
    ///   - high: the bits of the first 16 digits.
    ///   - low: the bits of the last 16 digits.
    public init(_ name: FieldName, _ high: UInt64, _ low: UInt64) {
        self.name = name
        self.high = high
        self.low = low
    }

    /// Appends the field line with its CRLF.
    func append(to output: inout [UInt8]) {
        name.withBytes { output.append(contentsOf: $0) }
        // Appending bytes one by one would check the array's capacity for each.
        withUnsafeTemporaryAllocation(byteCount: 36, alignment: 8) { line in
            line.storeBytes(of: UInt16(0x3A20).bigEndian, toByteOffset: 0, as: UInt16.self)
            for half in 0..<4 {
                let bits = (half < 2 ? high : low) >> (half % 2 == 0 ? 32 : 0)
                let digits = Self.digits(UInt32(truncatingIfNeeded: bits))
                line.storeBytes(of: digits.bigEndian, toByteOffset: 2 + 8 * half, as: UInt64.self)
            }
            line.storeBytes(of: UInt16(0x0D0A).bigEndian, toByteOffset: 34, as: UInt16.self)
            output.append(contentsOf: line)
        }
    }

    /// The eight hexadecimal digits of a number, the first in the highest byte.
    static func digits(_ number: UInt32) -> UInt64 {
        // Each half-byte moves into a byte of its own. Adding six to a digit of ten or more carries into the high
        // half-byte.
        var spread = UInt64(number)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (spread + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let toLetter = UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
        return spread + 0x3030_3030_3030_3030 + letters * toLetter
    }
}
