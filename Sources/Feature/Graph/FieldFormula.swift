// What a record's provenance is made of.

/// How the provenance of one field follows from upstream data versions.
public struct FieldFormula: Hashable, Sendable {
    /// One input.
    public struct Parent: Hashable, Sendable {
        /// The upstream field.
        public let reference: FieldReference
        /// True when the upstream record may be missing: its data version then counts as empty text.
        public let isOptional: Bool

        /// An input.
        public init(reference: FieldReference, isOptional: Bool) {
            self.reference = reference
            self.isOptional = isOptional
        }
    }

    /// The field.
    public let field: FieldKey
    /// Its code version.
    public let codeVersion: String
    /// The inputs in the order in which they are hashed.
    public let parents: [Parent]
    /// What stands before each data version: field key, code version and first label; then each further label. Kept
    /// as bytes so that a record costs copies and one digest.
    let pieces: [[UInt8]]

    /// The formula of a field.
    ///
    /// - Parameters:
    ///   - field: the field.
    ///   - codeVersion: its code version.
    ///   - parents: its inputs, in any order.
    public init(field: FieldKey, codeVersion: String, parents: [Parent]) {
        self.field = field
        self.codeVersion = codeVersion
        self.parents = parents.sorted { $0.reference < $1.reference }
        var lead = Array("\(field)|\(codeVersion)".utf8)
        var pieces: [[UInt8]] = []
        for parent in self.parents {
            pieces.append(lead + Array("|\(parent.reference)|".utf8))
            lead = []
        }
        self.pieces = pieces.isEmpty ? [lead] : pieces
    }
}

/// How the provenance of a feature's records follows from upstream data versions.
public struct RecordFormula: Hashable, Sendable {
    /// The fields in order of their struct keys, in which a record's provenance joins them.
    public let fields: [FieldFormula]
    /// The struct keys of ``fields``.
    public let structKeys: [String]

    /// The formula of a feature of `graph`; nil when the graph has none of that key.
    public init?(of key: FeatureKey, in graph: FeatureGraph) {
        guard let spec = graph[key] else { return nil }
        let optional = Set(spec.deps.filter(\.optional).map(\.feature))
        let sorted = spec.fields.map { (structKey: $0.key.structKey, field: $0) }
            .sorted { $0.structKey.precedesByCodePoint($1.structKey) }
        structKeys = sorted.map(\.structKey)
        fields = sorted.map(\.field).map { field in
            let parents = graph.parents(of: FieldReference(feature: key, field: field.key))
            return FieldFormula(
                field: field.key, codeVersion: field.codeVersion,
                parents: parents.map {
                    FieldFormula.Parent(reference: $0, isOptional: optional.contains($0.feature))
                })
        }
    }
}
