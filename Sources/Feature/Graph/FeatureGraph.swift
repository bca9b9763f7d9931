// Features and what flows between their fields.

public import JSON

/// A set of features that fit together: no cycle, every upstream present, every field's inputs known.
///
/// Deps may cross projects; versions and orders are those of the Metaxy library.
public struct FeatureGraph: Sendable {
    /// A feature as it was pushed.
    public struct Member: Hashable, Sendable {
        /// The definition.
        public let spec: FeatureSpec
        /// The JSON schema of the records; nil when none was pushed.
        public let schema: JSONValue?
        /// The project that owns the feature.
        public let project: String

        /// A feature of `project`.
        public init(spec: FeatureSpec, schema: JSONValue?, project: String) {
            self.spec = spec
            self.schema = schema
            self.project = project
        }
    }

    /// All features, upstream before downstream: depth first from the features in order of their keys, the deps of
    /// each in order of their keys.
    public let order: [FeatureKey]
    /// The features by key.
    public let members: [FeatureKey: Member]
    private let parents: [FieldReference: [FieldReference]]
    private let downstream: [FeatureKey: [FeatureKey]]

    /// Puts features together.
    ///
    /// - Parameter members: the features, in any order.
    /// - Throws: every fault that could be found. A feature downstream of a faulty one is faulty too.
    /// - Complexity: O(features + deps + field inputs), and the sorting of each.
    public init(_ members: [Member]) throws(GraphProblems) {
        var check = GraphCheck(members)
        let parents = check.run()
        guard check.problems.isEmpty else { throw GraphProblems(problems: check.problems) }
        self.init(check, parents: parents)
    }

    /// Takes what a check found, whether or not it found problems too.
    init(_ check: GraphCheck, parents: [FieldReference: [FieldReference]]) {
        order = check.order
        members = check.members
        self.parents = parents
        var downstream: [FeatureKey: [FeatureKey]] = [:]
        for key in check.order.sorted() {
            for dep in check.members[key]?.spec.deps ?? [] { downstream[dep.feature, default: []].append(key) }
        }
        self.downstream = downstream
    }

    /// The definition of a feature, or nil when the graph has none of that key.
    public subscript(key: FeatureKey) -> FeatureSpec? { members[key]?.spec }

    /// The features that a feature's deps name, in the order of the definition; empty for an unknown key.
    public func upstream(of key: FeatureKey) -> [FeatureKey] {
        members[key]?.spec.deps.map(\.feature) ?? []
    }

    /// The features whose deps name this one, in order of their keys; empty for an unknown key.
    public func downstream(of key: FeatureKey) -> [FeatureKey] {
        downstream[key] ?? []
    }

    /// The fields that a field is computed from, in the order in which they are hashed; empty for a field of a root
    /// and for an unknown field.
    public func parents(of field: FieldReference) -> [FieldReference] {
        parents[field] ?? []
    }
}
