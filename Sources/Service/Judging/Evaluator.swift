// Judges units one by one: reads their heads and inputs, and compares each head with its expected provenance.

import Feature
import Postgres
import Store

/// A unit of a feature.
struct UnitAddress: Hashable, Sendable {
    let feature: FeatureID
    let record: RecordID

    /// The block that holds the unit.
    var block: BlockAddress { BlockAddress(feature: feature, record: record) }
}

/// Why a unit that needs work cannot be handed out: an input, near or far, that is itself not as it should be.
struct Blocker: Hashable, Sendable {
    /// The unit that has to be done first.
    let unit: UnitAddress
    /// The units between it and the blocked unit.
    var path: [UnitAddress] = []

    /// The same blocker for a unit that is made from `unit`.
    func behind(_ unit: UnitAddress) -> Blocker {
        Blocker(unit: self.unit, path: path + [unit])
    }
}

/// A unit with its judgement.
struct JudgedUnit: Sendable {
    /// Its latest version.
    let head: Head?
    /// The live upstream records it follows from.
    let inputs: UnitInputs
    /// Its state and its stale fields.
    let judgement: Judgement
    /// The earlier version with exactly the expected provenance, after a return to an earlier definition.
    var earlier: LineageEntry?
    /// Inputs that are not settled. Empty unless it is new or stale.
    var blockers: [Blocker] = []

    /// Its state; a unit with an earlier version that fits counts as up to date.
    var state: UnitState { earlier == nil ? judgement.state : .upToDate }
}

/// Judges units of features within one transaction.
///
/// An input is settled when its record is as it should be in the fields that matter, and so are the inputs of those.
/// Units without a work bit are up to date, so only candidates are computed.
struct Evaluator {
    let connection: Connection
    let catalog: Catalog
    let definitions: DefinitionCache
    /// Upstream units with an earlier version that fits, which is to be put back.
    private(set) var revertible: [FeatureID: Set<RecordID>] = [:]
    private var unsettled: [UnsettledKey: [RecordID: Blocker?]] = [:]

    private struct UnsettledKey: Hashable {
        let feature: FeatureID
        let slot: Slot
    }

    init(_ connection: Connection, _ catalog: Catalog, _ definitions: DefinitionCache) {
        self.connection = connection
        self.catalog = catalog
        self.definitions = definitions
    }

    /// Judges derived units and finds what blocks those that need work.
    ///
    /// - Complexity: two round trips a dep and level of ancestors; O(units · fields · parents).
    mutating func judge(
        _ plan: FeaturePlan, _ units: [RecordID], under restriction: IncrementRestriction? = nil
    ) throws(StoreError) -> [RecordID: JudgedUnit] {
        var judged = try compare(plan, units, under: restriction)
        if restriction?.isCompatible == true { return judged }
        // Units that go back are included: an input that goes back as well has to come first.
        let open = judged.filter { $0.value.judgement.state == .new || $0.value.judgement.state == .stale }.keys
            .sorted()
        guard !open.isEmpty else { return judged }
        for (unit, blockers) in try blockers(plan, open, slots: nil) where judged[unit]?.earlier == nil {
            judged[unit]?.blockers = blockers
        }
        return judged
    }

    /// Judges derived units without asking whether their inputs are settled.
    ///
    /// - Complexity: one round trip, and those of `inputs`.
    func compare(
        _ plan: FeaturePlan, _ units: [RecordID], under restriction: IncrementRestriction? = nil
    ) throws(StoreError) -> [RecordID: JudgedUnit] {
        let current = try current(plan, units, under: restriction)
        let heads = current.heads
        let inputs = try inputs(plan, units, under: restriction)
        let earlier = try earlierFields(plan, Set(heads.values.map(\.definition)))
        var expecter = Expecter(plan)
        var judged: [RecordID: JudgedUnit] = [:]
        judged.reserveCapacity(units.count)
        for unit in units {
            let head = heads[unit]
            let unitInputs = inputs[unit] ?? UnitInputs(deps: plan.deps.map { _ in [] })
            let judgement = expecter.judge(
                head, inputs: unitInputs, plan: plan, earlier: head.flatMap { earlier[$0.definition] })
            judged[unit] = JudgedUnit(head: head, inputs: unitInputs, judgement: judgement)
        }
        if restriction?.isCompatible != true {
            for (unit, entry) in try earlierVersions(plan, judged) { judged[unit]?.earlier = entry }
        }
        for unit in current.matched {
            guard let known = judged[unit] else { continue }
            judged[unit] = JudgedUnit(
                head: known.head, inputs: known.inputs,
                judgement: known.judgement.matchingPredicate(fields: plan.fields.count))
        }
        return judged
    }
}

// MARK: - Earlier definitions and versions

extension Evaluator {
    /// How definitions computed their fields, of those that are not current.
    func earlierFields(
        _ plan: FeaturePlan, _ ids: Set<DefinitionID>
    ) throws(StoreError) -> [DefinitionID: [Slot: EarlierField]] {
        let ids = ids.subtracting([plan.definition])
        guard !ids.isEmpty else { return [:] }
        let found = try definitions.definitions(ids, Registry(connection))
        return found.mapValues { definition in
            definition.formulas.mapValues { EarlierField(formula: $0, parents: parents(of: $0, plan)) }
        }
    }

    private func parents(of formula: FieldFormula, _ plan: FeaturePlan) -> [FieldPlan.Parent]? {
        var parents: [FieldPlan.Parent] = []
        for parent in formula.parents {
            let reference = parent.reference
            guard
                let dep = plan.deps.firstIndex(where: { $0.spec.feature == reference.feature }),
                let slot = catalog.stored[reference.feature]?.slots[reference.field]
            else { return nil }
            parents.append(FieldPlan.Parent(dep: dep, slot: slot))
        }
        return parents
    }

    /// Earlier versions of stale units that have exactly the expected provenance. A return to an earlier definition needs no
    /// computation of these.
    private func earlierVersions(
        _ plan: FeaturePlan, _ judged: [RecordID: JudgedUnit]
    ) throws(StoreError) -> [RecordID: LineageEntry] {
        var wanted: [(record: RecordID, provenance: [String])] = []
        for (unit, judgedUnit) in judged where judgedUnit.judgement.state == .stale {
            guard let head = judgedUnit.head, head.definition != plan.definition else { continue }
            let expected = judgedUnit.judgement.expectation?.provenance.compactMap { $0 } ?? []
            if expected.count == plan.fields.count { wanted.append((unit, expected)) }
        }
        guard !wanted.isEmpty else { return [:] }
        // The records of an expansion are not kept with a late result.
        return try LineageQueries(connection, feature: plan.id).matching(
            slots: plan.fields.map(\.slot), wanted, includesLate: plan.children == nil)
    }
}

// MARK: - Settled inputs

extension Evaluator {
    /// The unsettled inputs of units.
    ///
    /// - Parameter slots: the fields whose inputs matter; nil for all.
    private mutating func blockers(
        _ plan: FeaturePlan, _ units: [RecordID], slots: Set<Slot>?
    ) throws(StoreError) -> [RecordID: [Blocker]] {
        var result: [RecordID: [Blocker]] = [:]
        for (unit, bySlot) in try inputBlockers(plan, units, slots: slots) {
            var seen: Set<UnitAddress> = []
            result[unit] = bySlot.sorted { $0.key < $1.key }.map(\.value).filter { seen.insert($0.unit).inserted }
        }
        return result
    }

    /// For each unit and each of its fields that has an unsettled input: one such input.
    private mutating func inputBlockers(
        _ plan: FeaturePlan, _ units: [RecordID], slots: Set<Slot>?
    ) throws(StoreError) -> [RecordID: [Slot: Blocker]] {
        let mapper = UnitMapper(connection: connection, catalog: catalog)
        let fields = plan.fields.filter { slots?.contains($0.slot) ?? true }
        var result: [RecordID: [Slot: Blocker]] = [:]
        for (position, dep) in plan.deps.enumerated() {
            let needed = Set(fields.flatMap(\.parents).filter { $0.dep == position }.map(\.slot))
            guard !needed.isEmpty, let upstreamPlan = catalog[dep.upstream] else { continue }
            var upstream = try mapper.upstream(of: units, plan, dep: dep)
            if dep.isOptional || dep.isGrouped { upstream = try present(upstream, dep) }
            let found = try unsettled(upstreamPlan, Set(upstream.values.flatMap { $0 }).sorted(), slots: needed)
            guard !found.isEmpty else { continue }
            for (unit, records) in upstream {
                for field in fields {
                    let blocker = field.parents.lazy.filter { $0.dep == position }.compactMap { parent in
                        records.lazy.compactMap { found[$0]?[parent.slot] }.first
                    }.first
                    if let blocker { result[unit, default: [:]][field.slot] = blocker }
                }
            }
        }
        return result
    }

    /// For each record and each of the given fields that is not settled: the unit that has to be done first.
    private mutating func unsettled(
        _ plan: FeaturePlan, _ records: [RecordID], slots: Set<Slot>
    ) throws(StoreError) -> [RecordID: [Slot: Blocker]] {
        if let units = plan.units { return try unsettledChildren(plan, records, units: units, slots: slots) }
        let open = records.filter { record in
            slots.contains { unsettled[UnsettledKey(feature: plan.id, slot: $0)]?[record] == nil }
        }
        if !open.isEmpty { try noteUnsettled(plan, open, slots: slots) }
        var result: [RecordID: [Slot: Blocker]] = [:]
        for slot in slots {
            let known = unsettled[UnsettledKey(feature: plan.id, slot: slot)] ?? [:]
            for record in records {
                if case .some(.some(let blocker)) = known[record] { result[record, default: [:]][slot] = blocker }
            }
        }
        return result
    }

    /// Records of an expansion are as settled as their unit.
    private mutating func unsettledChildren(
        _ plan: FeaturePlan, _ records: [RecordID], units number: FeatureID, slots: Set<Slot>
    ) throws(StoreError) -> [RecordID: [Slot: Blocker]] {
        guard let unitPlan = catalog[number] else { throw .corrupt("the units of \(plan.key) have no plan") }
        let units = try LinkTable(connection, units: number, records: plan.id).units(of: records)
        let found = try unsettled(unitPlan, Set(units.values).sorted(), slots: slots)
        return units.compactMapValues { found[$0] }
    }

    /// Determines which fields of records are settled, and remembers it for this transaction.
    private mutating func noteUnsettled(
        _ plan: FeaturePlan, _ records: [RecordID], slots: Set<Slot>
    ) throws(StoreError) {
        let candidates = try candidates(plan, records)
        var own: [RecordID: Set<Slot>] = [:]
        var orphaned: Set<RecordID> = []
        if !candidates.isEmpty && plan.isRoot { own = try staleRootFields(plan, candidates) }
        if !candidates.isEmpty && !plan.isRoot { (own, orphaned) = try staleFields(plan, candidates) }
        // Whatever becomes of its inputs, an orphaned record does not change.
        let inheriting = records.filter { !orphaned.contains($0) }
        let inherited = plan.isRoot ? [:] : try inputBlockers(plan, inheriting, slots: slots)
        for slot in slots {
            let key = UnsettledKey(feature: plan.id, slot: slot)
            for record in records {
                let address = UnitAddress(feature: plan.id, record: record)
                let isStale = own[record]?.contains(slot) == true
                let blocker = isStale ? Blocker(unit: address) : inherited[record]?[slot]?.behind(address)
                unsettled[key, default: [:]][record] = .some(blocker)
            }
        }
    }

    private func candidates(_ plan: FeaturePlan, _ records: [RecordID]) throws(StoreError) -> [RecordID] {
        let addresses = Set(records.map { BlockAddress(feature: plan.id, record: $0) })
        let blocks = try WorkTable(connection, rank: catalog.rank).peek(addresses)
        return records.filter {
            blocks[BlockAddress(feature: plan.id, record: $0)]?.candidates.contains($0.offsetInBlock) == true
        }
    }

    /// The fields of derived records that are to be computed again, and the records that are orphaned.
    private mutating func staleFields(
        _ plan: FeaturePlan, _ records: [RecordID]
    ) throws(StoreError) -> (stale: [RecordID: Set<Slot>], orphaned: Set<RecordID>) {
        var stale: [RecordID: Set<Slot>] = [:]
        var orphaned: Set<RecordID> = []
        var returning: [RecordID] = []
        for (record, judged) in try compare(plan, records) {
            if judged.state == .orphaned { orphaned.insert(record) }
            guard judged.judgement.state == .stale else { continue }
            if let earlier = judged.earlier, let head = judged.head {
                returning.append(record)
                let slots = plan.fields.map(\.slot)
                stale[record] = Set(slots.filter { earlier.dataVersion(at: $0) != head.dataVersion(at: $0) })
            } else {
                stale[record] = Set(judged.judgement.staleFields.map { plan.fields[$0.field].slot })
            }
        }
        if !returning.isEmpty {
            revertible[plan.id, default: []].formUnion(returning)
            _ = try inputBlockers(plan, returning.sorted(), slots: nil)
        }
        return (stale, orphaned)
    }

    /// The fields of root records whose code version moved since they were written: only their source can renew them.
    func staleRootFields(
        _ plan: FeaturePlan, _ records: [RecordID]
    ) throws(StoreError) -> [RecordID: Set<Slot>] {
        let heads = try HeadTable(connection, feature: plan.id).read(records).values
            .filter { $0.isLive && $0.definition != plan.definition }
        let found = try definitions.definitions(Set(heads.map(\.definition)), Registry(connection))
        var result: [RecordID: Set<Slot>] = [:]
        for head in heads {
            let formulas = found[head.definition]?.formulas ?? [:]
            let stale = plan.fields.filter { formulas[$0.slot]?.codeVersion != $0.formula.codeVersion }
            if !stale.isEmpty { result[head.record] = Set(stale.map(\.slot)) }
        }
        return result
    }
}
