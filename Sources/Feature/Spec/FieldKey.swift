// The name of a field, and of a field of a feature.

/// The name of a field inside its feature: one or more parts, written `audio/french`.
public struct FieldKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The parts joined by `/`.
    public let description: String

    /// Takes a key in its text form; nil when a part is not acceptable (a-z, 0-9, `_`, `-`; no empty part, no `__`).
    public init?(_ text: String) {
        guard KeyParts.fault(in: text) == nil else { return nil }
        description = text
    }

    init(checked text: String) {
        description = text
    }

    /// The parts, at least one.
    public var parts: [String] { description.split(separator: "/").map(String.init) }

    /// The name under which records hold this field's versions: the parts joined by `_`.
    public var structKey: String { parts.joined(separator: "_") }

    /// Orders by the code points of the text form.
    public static func < (left: FieldKey, right: FieldKey) -> Bool {
        left.description.precedesByCodePoint(right.description)
    }

    /// Orders part by part, which differs from `<` where a part has a `-`: the order inside a specific mapping.
    static func precedesByParts(_ left: FieldKey, _ right: FieldKey) -> Bool {
        left.parts.lexicographicallyPrecedes(right.parts) { $0.precedesByCodePoint($1) }
    }
}

/// One field of one feature.
public struct FieldReference: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The feature.
    public let feature: FeatureKey
    /// The field of it.
    public let field: FieldKey

    /// Names `field` of `feature`.
    public init(feature: FeatureKey, field: FieldKey) {
        self.feature = feature
        self.field = field
    }

    /// The label that version hashes contain, for example `video/raw.audio/french`.
    public var description: String { "\(feature).\(field)" }

    /// Orders by the code points of the label.
    public static func < (left: FieldReference, right: FieldReference) -> Bool {
        left.description.precedesByCodePoint(right.description)
    }
}
