// An exact decimal number.

/// A number of a filter or of a row: exactly the decimal that its text denotes.
///
/// Nothing is rounded, so 9007199254740993 and 9007199254740992.0 differ, 1.0 and 1 are equal, and comparisons agree
/// with PostgreSQL's `numeric` and `jsonb`. A double stands for its shortest text that reads back as the same double,
/// which is what JSON writes for it: 0.1 is 0.1, not 0.1000000000000000055.
public struct FilterNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Whole numbers in the range of `Int64` are always `integer`, so that equal numbers have equal storage.
    private enum Storage: Hashable, Sendable {
        case integer(Int64)
        case decimal(Decimal)
    }

    /// ± 0.d₁d₂d₃… × 10^scale, with d₁ and the last digit not zero.
    private struct Decimal: Hashable, Sendable {
        var isNegative: Bool
        var scale: Int
        var digits: [UInt8]
    }

    private let storage: Storage

    /// Makes a whole number.
    public init(_ value: Int64) {
        storage = .integer(value)
    }

    /// Makes the number that the shortest text of a double denotes; nil for infinities and NaN.
    public init?(_ value: Double) {
        // Below 2^53 a whole double is exactly the integer it prints. (Not Int64(exactly:), which would need libm.)
        if value.magnitude < 9_007_199_254_740_992, Double(Int64(value)) == value {
            self.init(Int64(value))
        } else {
            self.init(value.description)
        }
    }

    /// Reads a number: an optional sign, digits with an optional point, an optional exponent.
    ///
    /// A superset of JSON's numbers: `.5`, `5.`, `+5` and leading zeros are read as well.
    ///
    /// - Parameter text: the number and nothing else; nil when it is anything else, or its exponent is
    ///   beyond ±1,000,000.
    /// - Complexity: O(length).
    public init?(_ text: String) {
        guard let decimal = FilterNumber.scan(text) else { return nil }
        if let integer = FilterNumber.integer(decimal) {
            storage = .integer(integer)
        } else {
            storage = .decimal(decimal)
        }
    }

    /// The number with the other sign.
    public static prefix func - (number: FilterNumber) -> FilterNumber {
        var decimal = number.decimal
        guard !decimal.digits.isEmpty else { return number }
        decimal.isNegative.toggle()
        return FilterNumber(storage: integer(decimal).map(Storage.integer) ?? .decimal(decimal))
    }

    /// Whether the first number is smaller; exact.
    public static func < (left: FilterNumber, right: FilterNumber) -> Bool {
        if case .integer(let first) = left.storage, case .integer(let second) = right.storage {
            return first < second
        }
        let (first, second) = (left.decimal, right.decimal)
        if first.digits.isEmpty || second.digits.isEmpty || first.isNegative != second.isNegative {
            return signum(first) < signum(second)
        }
        return first.isNegative ? isSmaller(second, first) : isSmaller(first, second)
    }

    /// The number as text that SQL, JSON and filters read: `-12`, `0.5`, `1.5e+300`.
    public var description: String {
        switch storage {
        case .integer(let value): value.description
        case .decimal(let decimal): FilterNumber.text(decimal)
        }
    }

    private init(storage: Storage) {
        self.storage = storage
    }

    private var decimal: Decimal {
        switch storage {
        case .decimal(let decimal): decimal
        case .integer(let value):
            FilterNumber.normalized(
                isNegative: value < 0, digits: value.magnitude.description.utf8.map { $0 &- 0x30 }, pointAt: nil)
        }
    }
}

extension FilterNumber {
    /// Drops zeros on both sides; zero has no digits. `pointAt` counts the digits left of the point, nil for all.
    private static func normalized(isNegative: Bool, digits: [UInt8], pointAt: Int?) -> Decimal {
        let point = pointAt ?? digits.count
        guard let first = digits.firstIndex(where: { $0 != 0 }), let last = digits.lastIndex(where: { $0 != 0 }) else {
            return Decimal(isNegative: false, scale: 0, digits: [])
        }
        return Decimal(isNegative: isNegative, scale: point - first, digits: Array(digits[first...last]))
    }

    private static func scan(_ text: String) -> Decimal? {
        var bytes = Array(text.utf8)[...]
        let isNegative = bytes.first == 0x2D
        if isNegative || bytes.first == 0x2B { bytes.removeFirst() }
        var digits = scanDigits(&bytes)
        let point = digits.count
        if bytes.first == 0x2E {
            bytes.removeFirst()
            digits += scanDigits(&bytes)
        }
        guard !digits.isEmpty else { return nil }
        var exponent = 0
        if bytes.first == 0x65 || bytes.first == 0x45 {
            bytes.removeFirst()
            let isBelow = bytes.first == 0x2D
            if isBelow || bytes.first == 0x2B { bytes.removeFirst() }
            guard let power = Int(String(decoding: scanDigits(&bytes).map { $0 &+ 0x30 }, as: UTF8.self)),
                power <= 1_000_000
            else { return nil }
            exponent = isBelow ? -power : power
        }
        guard bytes.isEmpty else { return nil }
        var decimal = normalized(isNegative: isNegative, digits: digits, pointAt: point)
        if !decimal.digits.isEmpty { decimal.scale += exponent }
        return decimal
    }

    private static func scanDigits(_ bytes: inout ArraySlice<UInt8>) -> [UInt8] {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        bytes.removeFirst(digits.count)
        return digits.map { $0 &- 0x30 }
    }

    private static func integer(_ decimal: Decimal) -> Int64? {
        guard decimal.scale <= 19, decimal.digits.count <= decimal.scale || decimal.digits.isEmpty else { return nil }
        var value: Int64 = 0
        for index in 0..<decimal.scale {
            let digit = Int64(index < decimal.digits.count ? decimal.digits[index] : 0)
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(decimal.isNegative ? -digit : digit)
            if isTooLarge || overflow { return nil }
            value = sum
        }
        return value
    }

    private static func signum(_ decimal: Decimal) -> Int {
        decimal.digits.isEmpty ? 0 : decimal.isNegative ? -1 : 1
    }

    /// Compares magnitudes of two numbers that are not zero.
    private static func isSmaller(_ left: Decimal, _ right: Decimal) -> Bool {
        left.scale != right.scale
            ? left.scale < right.scale : left.digits.lexicographicallyPrecedes(right.digits)
    }

    private static func text(_ decimal: Decimal) -> String {
        let digits = String(decoding: decimal.digits.map { $0 &+ 0x30 }, as: UTF8.self)
        let sign = decimal.isNegative ? "-" : ""
        // Plain notation up to 40 places, which covers 128-bit identifiers; beyond that the zeros say nothing.
        if decimal.scale > 40 || decimal.scale < -5 {
            let rest = digits.utf8.count > 1 ? "." + digits.dropFirst() : ""
            let exponent = decimal.scale - 1
            return "\(sign)\(digits.prefix(1))\(rest)e\(exponent < 0 ? "" : "+")\(exponent)"
        }
        if decimal.scale <= 0 {
            return "\(sign)0.\(String(repeating: "0", count: -decimal.scale))\(digits)"
        }
        if decimal.scale >= decimal.digits.count {
            return sign + digits + String(repeating: "0", count: decimal.scale - decimal.digits.count)
        }
        return "\(sign)\(digits.prefix(decimal.scale)).\(digits.dropFirst(decimal.scale))"
    }
}
