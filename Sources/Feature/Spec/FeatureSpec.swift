// The definition of one feature.

public import JSON

/// A feature as its author defined it: the Metaxy library's `FeatureSpec`.
///
/// Made from JSON only, so that whatever exists has passed the checks that need no other feature: keys and column
/// names are acceptable, id columns are there, field keys are distinct.
public struct FeatureSpec: Hashable, Sendable {
    /// The name.
    public let key: FeatureKey
    /// The columns that identify a record; at least one, distinct unless ``FeatureGraph/admissionProblems()`` says so.
    public let idColumns: [String]
    /// The upstream features in the order of the definition; empty for a root.
    public let deps: [FeatureDep]
    /// The fields in the order of the definition, with distinct keys.
    public let fields: [FieldSpec]
    /// Whatever the author attached; an object.
    public let metadata: JSONValue
    /// The author's words on the feature.
    public let description: String?

    /// The same feature with other id columns: how its units look where they are not its records.
    public func identified(by columns: [String]) -> FeatureSpec {
        FeatureSpec(
            key: key, idColumns: columns, deps: deps, fields: fields, metadata: metadata, description: description)
    }

    /// True when there is nothing upstream: records come with their own versions.
    public var isRoot: Bool { deps.isEmpty }
}

/// An upstream feature and how its records become inputs.
public struct FeatureDep: Hashable, Sendable {
    /// The upstream feature.
    public let feature: FeatureKey
    /// The columns that are taken over besides the id columns, by their names after `rename`; nil for all.
    public let select: [String]?
    /// New names of upstream columns, in the order of the definition, applied before anything else.
    public let rename: [ColumnRename]?
    /// How fields without explicit inputs find them.
    public let fieldsMapping: FieldsMapping
    /// SQL-like conditions on upstream records, by names after `rename`, all of which must hold.
    public let sqlFilters: [String]?
    /// The cardinality.
    public let lineage: Lineage
    /// True when records are computed also where the upstream record is missing.
    public let optional: Bool

    /// The name of an upstream column after `rename`.
    public func renamed(_ column: String) -> String {
        rename?.first { $0.old == column }?.new ?? column
    }

    /// The upstream column that has this name after `rename`; nil where the name was renamed away.
    public func original(_ column: String) -> String? {
        if let rename = rename?.first(where: { $0.new == column }) { return rename.old }
        return rename?.contains { $0.old == column } == true ? nil : column
    }

    /// The name that a system column of the upstream, `metaxy_…`, has among the columns of the feature's inputs: with
    /// the upstream's key behind it, so that those of several upstreams do not clash.
    public func systemColumn(_ column: String) -> String {
        "\(column)__\(feature.parts.joined(separator: "_"))"
    }
}

/// A column and the name it gets.
public struct ColumnRename: Hashable, Sendable {
    /// The name in the upstream feature.
    public let old: String
    /// The name from here on.
    public let new: String
}
