// What a unit should be, given its inputs.

/// What the inputs of a unit are: for each dep, the live upstream records that go into it.
public struct UnitInputs: Sendable {
    /// By dep, in the order of the spec. Empty where there is none.
    public var deps: [[Head]]

    /// Inputs of these heads.
    public init(deps: [[Head]]) {
        self.deps = deps
    }
}

/// What a unit should be.
public struct Expectation: Hashable, Sendable {
    /// The expected provenance, by field in the order of `FeaturePlan.fields`. Nil where an input has no data version
    /// for a field that is needed.
    public let provenance: [String?]
    /// The upstream entries that it follows from, by dep.
    public let parents: [[ParentEntry]]
}

/// Computes expectations for one feature.
public struct Expecter: Sendable {
    private let plan: FeaturePlan
    private var hasher: RecordHasher

    /// An expecter for `plan`.
    public init(_ plan: FeaturePlan) {
        self.plan = plan
        self.hasher = RecordHasher(plan.hash)
    }

    /// What a unit with these inputs should be.
    ///
    /// - Returns: nil where the unit is not expected: a required upstream record is missing, or all deps are optional
    ///   and none has a record.
    /// - Complexity: O(fields · parents); one digest for each field.
    public mutating func expectation(of inputs: UnitInputs) -> Expectation? {
        guard isExpected(inputs) else { return nil }
        let expected = plan.fields.map { provenance(by: $0.formula, from: $0.parents, inputs) }
        return Expectation(provenance: expected, parents: inputs.deps.map(Self.parents))
    }

    /// What one field's provenance would be by another formula over the same inputs: how an earlier definition would
    /// see today's inputs.
    ///
    /// - Parameter parents: where the inputs of `formula` come from, in its order.
    public mutating func provenance(
        by formula: FieldFormula, from parents: [FieldPlan.Parent], _ inputs: UnitInputs
    ) -> String? {
        var versions: [String?] = []
        for parent in parents { versions.append(dataVersion(parent, inputs)) }
        return hasher.provenance(of: formula, dataVersions: versions)
    }

    /// The version of a record from those of its fields.
    ///
    /// - Parameter versions: by field in the order of `FeaturePlan.fields`.
    /// - Returns: nil when one of them is nil.
    public mutating func recordVersion(_ versions: [String?]) -> String? {
        hasher.recordVersion(versions)
    }

    private func isExpected(_ inputs: UnitInputs) -> Bool {
        var isAny = false
        for (dep, heads) in zip(plan.deps, inputs.deps) {
            if heads.isEmpty && !dep.isOptional { return false }
            isAny = isAny || !heads.isEmpty
        }
        return isAny
    }

    /// The upstream's data version of a field; that of a group is the digest of its records' data versions.
    private mutating func dataVersion(_ parent: FieldPlan.Parent, _ inputs: UnitInputs) -> String? {
        let heads = inputs.deps[parent.dep]
        guard plan.deps[parent.dep].isGrouped else { return heads.first?.dataVersion(at: parent.slot) }
        return heads.isEmpty ? nil : hasher.aggregate(heads.lazy.map { $0.dataVersion(at: parent.slot) })
    }

    private static func parents(_ heads: [Head]) -> [ParentEntry] {
        heads.isEmpty
            ? [ParentEntry(entry: 0, record: 0)] : heads.map { ParentEntry(entry: $0.entry, record: $0.record) }
    }
}
