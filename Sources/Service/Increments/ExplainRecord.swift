// Explains the state of a record, field by field.

public import Feature
import Postgres
public import Store

/// Why a field is not up to date.
public enum FieldCause: Hashable, Sendable {
    /// A data version that the field depends on changed. Where the caller does not see the upstream feature, the cause
    /// names the feature alone, as the record's own spec does: field, versions and entry are nil.
    case upstream(feature: FeatureKey, field: FieldKey?, from: String?, to: String?, entry: EntryID?)
    /// The field's code version changed.
    case code(from: String?, to: String)
    /// The field's inputs were redefined under the same code version.
    case definition
    /// It has never been computed.
    case missing
}

/// A field of an explained record.
public struct ExplainedField: Hashable, Sendable {
    /// Its name.
    public let structKey: String
    /// The expected provenance; nil where the record is not expected.
    public let expected: String?
    /// The stored provenance; nil where the field was never computed.
    public let current: String?
    /// Why the two differ; empty where they are equal.
    public let causes: [FieldCause]
}

/// A record explained.
public struct Explanation: Sendable {
    /// `new`, `stale`, `up_to_date`, `blocked`, `orphaned`, `quarantined` or `suppressed`.
    public let state: String
    /// Its fields in the order of their struct keys.
    public let fields: [ExplainedField]
    /// Inputs that are not settled.
    public let blockedBy: [(feature: FeatureKey, key: RecordKey, columns: [String])]
    /// The last failure, where it happened for the present expectation.
    public let failure: Failure?
}

extension IncrementService {
    /// Explains a record.
    ///
    /// - Throws: `.featureNotFound`; `.recordNotFound` where it neither exists nor is expected; `.unavailable`.
    /// - Complexity: a few round trips a dep and level of ancestors.
    public func explain(_ feature: FeatureKey, _ key: RecordKey) async throws(ServiceError) -> Explanation {
        try await transactions.read { (transaction) throws(ServiceError) in
            let plan = try transaction.unitPlan(feature)
            // A record of an expansion is explained by its unit.
            let isChild = plan.children.map { $0.idColumns.count == key.values.count } ?? false
            let unit = isChild ? plan.children.map { key.reordered($0.places) } ?? key : key
            let found = try stored { () throws(StoreError) in
                try RecordIDTable(transaction.connection, space: plan.space).find([unit.encoded])
            }
            guard case .some(.some(let record)) = found.first else { throw .recordNotFound }
            let explainer = Explainer(transaction: transaction, plan: plan)
            return plan.isRoot ? try explainer.root(record) : try explainer.derived(record)
        }
    }
}

private struct Explainer {
    let transaction: ServiceTransaction
    let plan: FeaturePlan

    /// A root record is as its source says, but for fields whose code version moved since.
    func root(_ record: RecordID) throws(ServiceError) -> Explanation {
        try stored { () throws(StoreError) -> Explanation? in
            guard let head = try HeadTable(transaction.connection, feature: plan.id).read([record])[record] else {
                return nil
            }
            let stale = try transaction.evaluator.staleRootFields(plan, [record])[record] ?? []
            let then = try definition(of: head)
            let fields = plan.fields.map { field in
                let current = head.provenance(at: field.slot)
                let code = FieldCause.code(
                    from: then?.formulas[field.slot]?.codeVersion, to: field.formula.codeVersion)
                return ExplainedField(
                    structKey: field.structKey, expected: stale.contains(field.slot) ? nil : current,
                    current: current, causes: stale.contains(field.slot) ? [code] : [])
            }
            let state = !head.isLive ? "suppressed" : stale.isEmpty ? "up_to_date" : "stale"
            return Explanation(state: state, fields: fields, blockedBy: [], failure: nil)
        }.orNotFound()
    }

    func derived(_ record: RecordID) throws(ServiceError) -> Explanation {
        try stored { () throws(StoreError) -> Explanation? in
            var evaluator = transaction.evaluator
            guard let judged = try evaluator.judge(plan, [record])[record], judged.state != .absent else { return nil }
            let failure = try FailureTable(transaction.connection, feature: plan.id).read([record])[record]
            let expected = judged.judgement.expectation?.provenance
            let known = (expected ?? []).compactMap { $0 }
            let isFailing = failure.map { $0.attempts > 0 && $0.provenance == known } ?? false
            let inputs = try InputHistory(transaction: transaction, plan: plan).of(judged)
            let stale = Dictionary(judged.judgement.staleFields.map { ($0.field, $0.causes) }) { first, _ in first }
            let then = try judged.head.flatMap { (head) throws(StoreError) in try definition(of: head) }
            var fields: [ExplainedField] = []
            for (index, field) in plan.fields.enumerated() {
                let causes = judged.earlier == nil ? stale[index] ?? [] : []
                fields.append(
                    ExplainedField(
                        structKey: field.structKey, expected: expected?[index],
                        current: judged.head?.provenance(at: field.slot),
                        causes: causes.flatMap { detail($0, field, then, inputs) }))
            }
            let isQuarantined = isFailing && failure?.retryAt == nil
            return Explanation(
                state: isQuarantined ? "quarantined" : judged.kind?.rawValue ?? judged.state.rawValue,
                fields: fields, blockedBy: try blockers(judged), failure: isFailing ? failure : nil)
        }.orNotFound()
    }

    private func definition(of head: Head) throws(StoreError) -> EarlierDefinition? {
        try transaction.definitions.definitions([head.definition], Registry(transaction.connection))[head.definition]
    }

    private func detail(
        _ cause: StaleCause, _ field: FieldPlan, _ then: EarlierDefinition?, _ inputs: [MovedInput]
    ) -> [FieldCause] {
        switch cause {
        case .missing, .predicate:
            return [.missing]
        case .code:
            let before = then?.formulas[field.slot]?.codeVersion
            return before == field.formula.codeVersion
                ? [.definition] : [.code(from: before, to: field.formula.codeVersion)]
        case .upstream:
            var hidden: Set<FeatureKey> = []
            return field.parents.flatMap { parent in upstreamCauses(parent, inputs, &hidden) }
        }
    }

    /// The inputs of a parent that moved. A feature that the caller does not see comes once.
    private func upstreamCauses(
        _ parent: FieldPlan.Parent, _ inputs: [MovedInput], _ hidden: inout Set<FeatureKey>
    ) -> [FieldCause] {
        let feature = plan.deps[parent.dep].spec.feature
        let moved = inputs.filter { $0.parent == parent }
        guard !transaction.visible.sees(feature) else {
            return moved.map {
                .upstream(feature: feature, field: $0.field, from: $0.from, to: $0.to, entry: $0.entry)
            }
        }
        guard !moved.isEmpty, hidden.insert(feature).inserted else { return [] }
        return [.upstream(feature: feature, field: nil, from: nil, to: nil, entry: nil)]
    }

    private func blockers(
        _ judged: JudgedUnit
    ) throws(StoreError) -> [(feature: FeatureKey, key: RecordKey, columns: [String])] {
        var result: [(feature: FeatureKey, key: RecordKey, columns: [String])] = []
        for blocker in judged.blockers {
            guard let plan = transaction.catalog[blocker.unit.feature], transaction.visible.sees(plan.key) else {
                continue
            }
            let keys = try RecordIDTable(transaction.connection, space: plan.space).keys(of: [blocker.unit.record])
            if let key = keys[blocker.unit.record] { result.append((plan.key, key, plan.spec.idColumns)) }
        }
        return result
    }
}

/// An upstream field whose data version differs from the one that a record was made from.
private struct MovedInput {
    let parent: FieldPlan.Parent
    let field: FieldKey
    let from: String?
    let to: String?
    let entry: EntryID?
}

/// Compares the present inputs with those that a record was made from.
private struct InputHistory {
    let transaction: ServiceTransaction
    let plan: FeaturePlan

    func of(_ judged: JudgedUnit) throws(StoreError) -> [MovedInput] {
        guard let head = judged.head else { return [] }
        let own = ParentEntry(entry: head.entry, record: head.record)
        let entries = try LineageQueries(transaction.connection, feature: plan.id).entries([own])
        let definitions = try transaction.definitions.definitions([head.definition], Registry(transaction.connection))
        guard let entry = entries[head.entry], let definition = definitions[head.definition] else { return [] }
        var moved: [MovedInput] = []
        for (position, dep) in plan.deps.enumerated() {
            var then: [RecordID: LineageEntry] = [:]
            if let place = definition.upstreams.firstIndex(of: dep.spec.feature), place < entry.parents.count {
                let parents = entry.parents[place].filter { $0.entry != 0 }
                let found = try LineageQueries(transaction.connection, feature: dep.upstream).entries(parents)
                for parent in found.values { then[parent.record] = parent }
            }
            let now = Dictionary(judged.inputs.deps[position].map { ($0.record, $0) }) { first, _ in first }
            for record in Set(then.keys).union(now.keys).sorted() {
                moved += compare(dep, position, then[record], now[record])
            }
        }
        return moved
    }

    private func compare(
        _ dep: DepPlan, _ position: Int, _ then: LineageEntry?, _ now: Head?
    ) -> [MovedInput] {
        var moved: [MovedInput] = []
        for (key, slot) in transaction.catalog.stored[dep.spec.feature]?.slots ?? [:] where dep.slots.contains(slot) {
            let from = then?.dataVersion(at: slot)
            let to = now?.dataVersion(at: slot)
            guard from != to else { continue }
            moved.append(
                MovedInput(
                    parent: FieldPlan.Parent(dep: position, slot: slot), field: key, from: from, to: to,
                    entry: now?.entry))
        }
        return moved
    }
}

extension Optional {
    fileprivate func orNotFound() throws(ServiceError) -> Wrapped {
        guard let self else { throw .recordNotFound }
        return self
    }
}
