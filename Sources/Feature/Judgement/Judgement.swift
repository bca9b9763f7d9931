// What a unit is, held against what it should be.

/// How a unit stands.
public enum UnitState: String, Hashable, Sendable, CaseIterable {
    /// As it should be.
    case upToDate = "up_to_date"
    /// Expected and never computed, or deleted before its inputs changed.
    case new
    /// Computed, but not from these inputs with this code.
    case stale
    /// Computed, but no longer expected.
    case orphaned
    /// Deleted, and its inputs have not changed since.
    case suppressed
    /// Neither computed nor expected.
    case absent
}

/// Why a field is stale.
public enum StaleCause: String, Hashable, Sendable, CaseIterable {
    /// A data version that it depends on moved.
    case upstream
    /// Its code version, or what it depends on, was redefined.
    case code
    /// A staleness predicate matched.
    case predicate
    /// It has never been computed.
    case missing
}

/// A field that is not as it should be.
public struct StaleField: Hashable, Sendable {
    /// Its position in `FeaturePlan.fields`.
    public let field: Int
    /// Why, in the order of `StaleCause`.
    public let causes: [StaleCause]

    /// Field `field`, stale for these causes.
    public init(field: Int, causes: [StaleCause]) {
        self.field = field
        self.causes = causes
    }
}

/// A unit held against its expectation.
public struct Judgement: Hashable, Sendable {
    /// How it stands.
    public let state: UnitState
    /// What it should be; nil where it is not expected.
    public let expectation: Expectation?
    /// Its fields that are not as they should be, in the order of `FeaturePlan.fields`. Empty unless new or stale.
    public let staleFields: [StaleField]

    /// A judgement of these parts.
    public init(state: UnitState, expectation: Expectation?, staleFields: [StaleField]) {
        self.state = state
        self.expectation = expectation
        self.staleFields = staleFields
    }
}

extension Judgement {
    /// The judgement of a unit whose current record a staleness predicate matches: every field is to be computed again.
    ///
    /// - Parameter fields: how many the feature has.
    public func matchingPredicate(fields: Int) -> Judgement {
        guard state == .upToDate || state == .stale else { return self }
        let known = Dictionary(staleFields.map { ($0.field, $0.causes) }) { first, _ in first }
        return Judgement(
            state: .stale, expectation: expectation,
            staleFields: (0..<fields).map { StaleField(field: $0, causes: (known[$0] ?? []) + [.predicate]) })
    }
}

/// How an earlier definition computed a field, with its inputs found among today's deps.
public struct EarlierField: Hashable, Sendable {
    /// Its formula then.
    public let formula: FieldFormula
    /// Where the formula's inputs come from today; nil where some are no longer inputs of the feature at all.
    public let parents: [FieldPlan.Parent]?

    /// The field of an earlier definition.
    public init(formula: FieldFormula, parents: [FieldPlan.Parent]?) {
        self.formula = formula
        self.parents = parents
    }
}

extension Expecter {
    /// Holds a derived unit against its inputs.
    ///
    /// - Parameters:
    ///   - head: its latest version, nil where there is none.
    ///   - inputs: its live upstream records.
    ///   - earlier: how the definition of `head` computed each field, by slot; nil where it is the current definition.
    /// - Complexity: O(fields · parents).
    public mutating func judge(
        _ head: Head?, inputs: UnitInputs, plan: FeaturePlan, earlier: [Slot: EarlierField]?
    ) -> Judgement {
        guard let expectation = expectation(of: inputs) else {
            let state: UnitState = head?.isLive == true ? .orphaned : .absent
            return Judgement(state: state, expectation: nil, staleFields: [])
        }
        guard let head, head.isLive || !differs(head, expectation, plan) else {
            let fields = plan.fields.indices.map { StaleField(field: $0, causes: [.missing]) }
            return Judgement(state: .new, expectation: expectation, staleFields: fields)
        }
        guard head.isLive else { return Judgement(state: .suppressed, expectation: expectation, staleFields: []) }
        var stale: [StaleField] = []
        for (index, field) in plan.fields.enumerated() {
            let current = head.provenance(at: field.slot)
            if let current, current == expectation.provenance[index] { continue }
            stale.append(
                StaleField(
                    field: index,
                    causes: causes(field, current: current, inputs: inputs, earlier: earlier?[field.slot])))
        }
        return Judgement(state: stale.isEmpty ? .upToDate : .stale, expectation: expectation, staleFields: stale)
    }

    private func differs(_ head: Head, _ expectation: Expectation, _ plan: FeaturePlan) -> Bool {
        for (field, expected) in zip(plan.fields, expectation.provenance)
        where expected == nil || head.provenance(at: field.slot) != expected {
            return true
        }
        return false
    }

    /// What moved: by the formula of its time, would the field still be what it is? Then only the code moved.
    private mutating func causes(
        _ field: FieldPlan, current: String?, inputs: UnitInputs, earlier: EarlierField?
    ) -> [StaleCause] {
        guard let current else { return [.missing] }
        guard let earlier, earlier.formula != field.formula else { return [.upstream] }
        guard let parents = earlier.parents else { return [.code] }
        let byEarlierCode = provenance(by: earlier.formula, from: parents, inputs)
        return byEarlierCode == current ? [.code] : [.upstream, .code]
    }
}
