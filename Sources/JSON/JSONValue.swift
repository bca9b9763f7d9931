// A JSON document as a tree of values.

/// One JSON value.
///
/// Integers keep every digit: those beyond 64 bits stay as text, because a version hash over them must not change.
public indirect enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits; `-0` is 0.
    case integer(Int64)
    /// A number without fraction and exponent beyond 64 bits, as written: an optional `-` and digits without a
    /// leading zero.
    case bigInteger(String)
    /// A number with a fraction or an exponent, rounded to the nearest double; always finite.
    case double(Double)
    /// A string, unescaped.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)
}

extension JSONValue {
    /// What kind of value this is.
    public var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .integer, .bigInteger, .double: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    /// The text when this is a string, else nil.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The elements when this is an array, else nil.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members when this is an object, else nil.
    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The value of a member when this is an object that has it, else nil.
    public subscript(name: String) -> JSONValue? { objectValue?[name] }
}

extension JSONValue: Hashable {
    /// True when both are the same JSON value: strings byte by byte, objects in any order of members, and an
    /// integer never equal to a double.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.bigInteger(let a), .bigInteger(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    /// Feeds the kind and the content.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        switch self {
        case .null: break
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .bigInteger(let digits): hasher.combine(digits)
        case .double(let value): hasher.combine(value)
        case .string(let text): NameBytes(name: text).hash(into: &hasher)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}
