// What is wrong with a graph of features.

public import JSON

/// One fault of a graph, laid to one feature.
public struct GraphProblem: Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault, whose raw value is part of the HTTP contract.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// Two features have one key.
        case duplicateFeature = "duplicate_feature"
        /// A dep names a feature that is not in the graph.
        case unknownUpstream = "unknown_upstream"
        /// A feature depends on itself.
        case selfDependency = "self_dependency"
        /// Two deps of a feature name one upstream feature.
        case duplicateDependency = "duplicate_dependency"
        /// Features depend on one another in a circle.
        case cycle = "cycle"
        /// A field is named that its feature does not have, or of a feature that is no upstream.
        case unknownField = "unknown_field"
        /// A field of a feature with deps has no inputs.
        case noUpstreamFields = "no_upstream_fields"
        /// Two fields of a feature have one struct key, so that records could hold only one of them.
        case structKeyClash = "struct_key_clash"
        /// A feature upstream is refused.
        case upstreamRefused = "upstream_refused"
        /// A column comes twice in a list of id columns.
        case duplicateColumn = "duplicate_column"
        /// The id columns of a dep's inputs do not fit the feature's.
        case idColumnsMismatch = "id_columns_mismatch"
        /// Renames give two columns one name.
        case renameClash = "rename_clash"
        /// A column of the system, `metaxy_…`, is renamed, or a column is given such a name.
        case systemColumn = "system_column"
        /// Two deps bring columns of one name.
        case columnClash = "column_clash"
        /// A text in `sql_filters` is not a filter.
        case filterSyntax = "filter_syntax"
    }

    /// The kind of fault.
    public let code: Code
    /// The feature at fault.
    public let feature: FeatureKey
    /// The value at fault, counted from the feature's spec.
    public let pointer: JSONPointer
    /// One sentence that names what is involved.
    public let detail: String

    /// The code, the feature, the pointer and the sentence.
    public var description: String { "\(code.rawValue) in \(feature) at \(pointer): \(detail)" }
}

/// All faults of a graph that could be found; at least one.
public struct GraphProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// The faults.
    public let problems: [GraphProblem]

    /// One line for each fault.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
