// JSON in the one form that version hashes are made of.

public import JSON

/// The bytes of Python's `json.dumps(value, sort_keys=True)`, which definition versions hash.
///
/// Members sorted by the code points of their names, separators `, ` and `: `, everything but printable ASCII (DEL
/// included) as `\uXXXX` in UTF-16 units, numbers as Python writes them.
///
/// - Parameter value: the value; its doubles are finite.
/// - Returns: ASCII.
/// - Source: the Python library reference, `json` and `float.__repr__`.
public func canonicalJSON(_ value: JSONValue) -> [UInt8] {
    var bytes: [UInt8] = []
    appendCanonical(value, to: &bytes)
    return bytes
}

private func appendCanonical(_ value: JSONValue, to bytes: inout [UInt8]) {
    switch value {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    case .integer(let value): bytes.append(contentsOf: String(value).utf8)
    case .bigInteger(let digits): bytes.append(contentsOf: digits.utf8)
    case .double(let value): bytes.append(contentsOf: pythonRepresentation(value).utf8)
    case .string(let text): appendCanonical(text, to: &bytes)
    case .array(let elements):
        bytes.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(contentsOf: ", ".utf8) }
            appendCanonical(element, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    case .object(let object):
        bytes.append(UInt8(ascii: "{"))
        let members = object.members.sorted { $0.name.precedesByCodePoint($1.name) }
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(contentsOf: ", ".utf8) }
            appendCanonical(member.name, to: &bytes)
            bytes.append(contentsOf: ": ".utf8)
            appendCanonical(member.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

private func appendCanonical(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for unit in text.utf16 {
        switch unit {
        case 0x08: bytes.append(contentsOf: "\\b".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0C: bytes.append(contentsOf: "\\f".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0x22: bytes.append(contentsOf: "\\\"".utf8)
        case 0x5C: bytes.append(contentsOf: "\\\\".utf8)
        case 0x20...0x7E: bytes.append(UInt8(unit))
        default:
            let hex = String(unit, radix: 16)
            bytes.append(contentsOf: "\\u".utf8)
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - hex.utf8.count))
            bytes.append(contentsOf: hex.utf8)
        }
    }
    bytes.append(UInt8(ascii: "\""))
}

/// A double as Python's `repr` writes it: the shortest digits that read back the same, with an exponent below 1e-4
/// and from 1e16 on.
///
/// Swift's description has the same digits, but other bounds for the exponent.
private func pythonRepresentation(_ value: Double) -> String {
    precondition(value.isFinite, "JSON holds finite numbers only")
    let sign = value.sign == .minus ? "-" : ""
    if value == 0 { return sign + "0.0" }
    let (digits, point) = decimal(value.magnitude)
    if point > 16 || point < -3 {
        let exponent = point - 1
        let size = String(exponent.magnitude)
        let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
        let exponentText = (exponent < 0 ? "-" : "+") + (size.utf8.count < 2 ? "0" : "") + size
        return sign + digits.prefix(1) + fraction + "e" + exponentText
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point {
        return sign + digits + String(repeating: "0", count: point - digits.count) + ".0"
    }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
}

/// The significant digits of a positive number, without zeros at either end, and the place of the decimal point
/// counted from their start: 0.05 is ("5", -1).
private func decimal(_ value: Double) -> (digits: String, point: Int) {
    let halves = value.description.split(separator: "e", maxSplits: 1)
    let exponent = halves.count == 2 ? Int(halves[1]) ?? 0 : 0
    let parts = halves[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    var point = parts[0].count + exponent
    var digits = parts.joined()[...]
    while digits.first == "0" {
        digits.removeFirst()
        point -= 1
    }
    while digits.last == "0" { digits.removeLast() }
    return (String(digits), point)
}
