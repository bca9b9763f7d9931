// The name of a feature.

/// The name of a feature: one or more parts, written `video/raw`.
public struct FeatureKey: Hashable, Sendable, Comparable, CustomStringConvertible {
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

    /// Orders by the code points of the text form.
    public static func < (left: FeatureKey, right: FeatureKey) -> Bool {
        left.description.precedesByCodePoint(right.description)
    }

    /// Orders part by part, which differs from `<` where a part has a `-`: the order inside a project version.
    static func precedesByParts(_ left: FeatureKey, _ right: FeatureKey) -> Bool {
        left.parts.lexicographicallyPrecedes(right.parts) { $0.precedesByCodePoint($1) }
    }
}
