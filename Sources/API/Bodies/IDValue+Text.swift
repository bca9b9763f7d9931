// Id values from the bytes of a number.

import Feature

extension IDValue {
    /// A whole number, from the bytes of a JSON number.
    ///
    /// - Returns: nil where it has a fraction or an exponent.
    init?(integer digits: ArraySlice<UInt8>) {
        let isNegative = digits.first == UInt8(ascii: "-")
        var value: Int64? = 0
        // Accumulated below zero, where one more value fits.
        for byte in isNegative ? digits.dropFirst() : digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            guard let sum = value else { continue }
            let (tens, overflow) = sum.multipliedReportingOverflow(by: 10)
            let (next, borrow) = tens.subtractingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            value = overflow || borrow ? nil : next
        }
        switch value {
        case .some(let value) where isNegative: self = .integer(value)
        case .some(let value) where value != .min: self = .integer(-value)
        default: self = .bigInteger(String(decoding: digits, as: UTF8.self))
        }
    }
}
