// The version hashes of definitions.

import JSON

/// The versions of everything in a graph, at one truncation length.
///
/// All are SHA-256 in lower-case hex, cut to the length, over UTF-8 texts one after another without separators. Each
/// inner version is hashed as cut, so a version at 16 characters does not extend the one at 8.
public struct GraphVersions: Sendable {
    /// The versions of one feature.
    public struct Versions: Hashable, Sendable {
        /// Each field's: its label, its code version and the field versions of its inputs.
        public let fieldVersions: [FieldKey: String]
        /// All field versions by field key.
        public let featureVersion: String
        /// The whole definition, words and filters included.
        public let specVersion: String
        /// The spec version and the schema of the records.
        public let definitionVersion: String
        /// The code versions alone, without anything upstream.
        public let codeVersion: String
    }

    /// What the project version is while the project has no features.
    public static let emptyProjectVersion = "empty"

    /// The versions by feature.
    public let features: [FeatureKey: Versions]
    private let projects: [String: String]

    /// Computes all versions of `graph`.
    ///
    /// - Parameters:
    ///   - graph: the features.
    ///   - hash: the settings, of which only the truncation length counts here.
    /// - Complexity: O(bytes of the definitions).
    public init(_ graph: FeatureGraph, hash: RecordHash) {
        let hash = hash.definitions
        var fieldVersions: [FieldReference: String] = [:]
        var features: [FeatureKey: Versions] = [:]
        for key in graph.order {
            guard let member = graph.members[key] else { continue }
            var own: [FieldKey: String] = [:]
            for field in member.spec.fields {
                let reference = FieldReference(feature: key, field: field.key)
                var bytes = Array(reference.description.utf8) + field.codeVersion.utf8
                for parent in graph.parents(of: reference) { bytes += (fieldVersions[parent] ?? "").utf8 }
                own[field.key] = hash.digest(bytes)
                fieldVersions[reference] = own[field.key]
            }
            features[key] = Versions(member, fieldVersions: own, hash: hash)
        }
        self.features = features
        projects = Dictionary(grouping: graph.members.values, by: \.project).mapValues { members in
            let keys = members.map(\.spec.key)
            return hash.projectVersion(keys.map { ($0, features[$0]?.definitionVersion ?? "") })
        }
    }

    /// The version of a feature's field, or nil when the graph has none of that name.
    public func version(of field: FieldReference) -> String? {
        features[field.feature]?.fieldVersions[field.field]
    }

    /// The version of a project: its features and their definition versions; ``emptyProjectVersion`` when it has no
    /// features. Features of other projects that it depends on do not count.
    public func projectVersion(of project: String) -> String {
        projects[project] ?? Self.emptyProjectVersion
    }
}

extension GraphVersions.Versions {
    fileprivate init(_ member: FeatureGraph.Member, fieldVersions: [FieldKey: String], hash: RecordHash) {
        self.fieldVersions = fieldVersions
        var bytes: [UInt8] = []
        for (key, version) in fieldVersions.sorted(by: { $0.key < $1.key }) {
            bytes += key.description.utf8
            bytes += version.utf8
        }
        featureVersion = hash.digest(bytes)
        specVersion = hash.specVersion(member.spec)
        definitionVersion = hash.definitionVersion(member.spec, schema: member.schema)
        codeVersion = hash.codeVersion(member.spec)
    }
}

extension RecordHash {
    func specVersion(_ spec: FeatureSpec) -> String {
        definitions.digest(spec.canonical)
    }

    /// A feature without a schema counts as one with the empty schema `{}`.
    func definitionVersion(_ spec: FeatureSpec, schema: JSONValue?) -> String {
        definitions.digest(Array(specVersion(spec).utf8) + canonicalJSON(schema ?? .object([:])))
    }

    func codeVersion(_ spec: FeatureSpec) -> String {
        let fields = spec.fields.sorted { $0.key < $1.key }
        return definitions.digest(fields.flatMap { Array($0.key.description.utf8) + $0.codeVersion.utf8 })
    }

    /// The version of a project of these features and definition versions, in any order.
    func projectVersion(_ features: [(key: FeatureKey, definitionVersion: String)]) -> String {
        if features.isEmpty { return GraphVersions.emptyProjectVersion }
        let sorted = features.sorted { FeatureKey.precedesByParts($0.key, $1.key) }
        return definitions.digest(sorted.flatMap { Array($0.key.description.utf8) + $0.definitionVersion.utf8 })
    }
}
