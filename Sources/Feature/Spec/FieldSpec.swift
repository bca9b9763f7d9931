// The definition of one field.

/// A field of a feature as its author defined it.
public struct FieldSpec: Hashable, Sendable {
    /// What a field that names no code version has.
    public static let codeVersionInitial = "__metaxy_initial__"

    /// The name inside the feature.
    public let key: FieldKey
    /// The text that the author changes when the algorithm changes.
    public let codeVersion: String
    /// Which upstream fields this field is computed from.
    public let deps: FieldDeps
}

/// Which upstream fields a field is computed from.
public enum FieldDeps: Hashable, Sendable {
    /// Those that the mapping of each feature dep chooses.
    case automatic
    /// Exactly these, whatever the mappings say; at least one.
    case explicit([FieldDep])
    /// All fields of all upstream features.
    case all
}

/// Fields of one upstream feature that a field names as its inputs.
public struct FieldDep: Hashable, Sendable {
    /// The upstream feature.
    public let feature: FeatureKey
    /// The fields of it, in the order of the definition; nil for all.
    public let fields: [FieldKey]?
}
