// The inputs of units: live upstream records that pass the filters of their dep.

import Feature
import Store

extension Evaluator {
    /// The upstream records that go into each unit: live ones that pass the filters of their dep.
    ///
    /// - Returns: for every unit, by dep.
    /// - Complexity: one round trip a dep within an id space, three across, one or two more where a dep has filters.
    func inputs(
        _ plan: FeaturePlan, _ units: [RecordID], under restriction: IncrementRestriction? = nil
    ) throws(StoreError) -> [RecordID: UnitInputs] {
        let mapper = UnitMapper(connection: connection, catalog: catalog)
        let empty = UnitInputs(deps: plan.deps.map { _ in [] })
        var inputs = Dictionary(units.map { ($0, empty) }) { first, _ in first }
        for (position, dep) in plan.deps.enumerated() {
            let upstream = try mapper.upstream(of: units, plan, dep: dep)
            let heads = try liveInputs(dep, upstream.values.flatMap { $0 }, under: restriction)
            for (unit, records) in upstream { inputs[unit]?.deps[position] = records.compactMap { heads[$0] } }
        }
        return inputs
    }

    /// The upstream records that are there: an optional one that is not, be it yet to be computed, holds nothing up.
    func present(
        _ upstream: [RecordID: [RecordID]], _ dep: DepPlan
    ) throws(StoreError) -> [RecordID: [RecordID]] {
        let heads = try liveInputs(dep, Set(upstream.values.joined()).sorted())
        return upstream.mapValues { records in records.filter { heads[$0] != nil } }
    }

    /// The current records of the feature itself that count under a restriction, and those of them that a staleness
    /// predicate matches.
    func current(
        _ plan: FeaturePlan, _ units: [RecordID], under restriction: IncrementRestriction?
    ) throws(StoreError) -> (heads: [RecordID: Head], matched: Set<RecordID>) {
        let heads = HeadTable(connection, feature: plan.id)
        guard let restriction else { return (try heads.read(units), []) }
        if restriction.skipsComparison { return ([:], []) }
        let filters = restriction.filters(onTarget: plan.key)
        guard !filters.isEmpty || !restriction.predicates.isEmpty || restriction.isCompatible else {
            return (try heads.read(units), [])
        }
        let described = restriction.isCompatible ? try compatible(plan, units) : try heads.describe(units)
        let keys = try RecordIDTable(connection, space: plan.space).keys(of: Array(described.keys))
        let slots = FieldSlots(plan)
        var counting: [RecordID: Head] = [:]
        var matched: Set<RecordID> = []
        for (record, head) in described {
            guard let key = keys[record] else { continue }
            let row = try FilteredRow(head, key: key, plan: plan, slots: slots)
            guard row.passes(filters) else { continue }
            counting[record] = head.head
            if restriction.predicates.contains(where: { row.passes([$0]) }) { matched.insert(record) }
        }
        return (counting, matched)
    }

    /// Those of the upstream's records that are inputs.
    ///
    /// - Parameter restriction: further filters, by the upstream's own column names.
    func liveInputs(
        _ dep: DepPlan, _ records: [RecordID], under restriction: IncrementRestriction? = nil
    ) throws(StoreError) -> [RecordID: Head] {
        let heads = HeadTable(connection, feature: dep.upstream)
        let own = restriction?.filters(onUpstream: dep.spec.feature) ?? []
        let isCompatible = restriction?.isCompatible == true
        guard !dep.filters.isEmpty || !own.isEmpty || isCompatible else {
            return try heads.read(records).filter(\.value.isLive)
        }
        guard let upstream = catalog[dep.upstream] else { throw .corrupt("\(dep.spec.feature) has no plan") }
        let described =
            isCompatible
            ? try compatible(upstream, records) : try heads.describe(records).filter(\.value.head.isLive)
        let keys = try RecordIDTable(connection, space: upstream.space).keys(of: Array(described.keys))
        var reader = InputReader(upstream: upstream, dep: dep)
        let slots = FieldSlots(upstream)
        var inputs: [RecordID: Head] = [:]
        for (record, head) in described {
            guard let key = keys[record] else { continue }
            if !own.isEmpty, !(try FilteredRow(head, key: key, plan: upstream, slots: slots).passes(own)) { continue }
            if try reader.row(head, key: key).passes(dep.filters) { inputs[record] = head.head }
        }
        return inputs
    }

    /// The live records of a feature as the library sees them: those written under its current feature version.
    private func compatible(
        _ plan: FeaturePlan, _ records: [RecordID]
    ) throws(StoreError) -> [RecordID: DescribedHead] {
        let feature = plan.children?.feature ?? plan.id
        let definitions = try Registry(connection).definitions(of: feature, version: plan.featureVersion)
        return try LineageQueries(connection, feature: plan.id).heads(of: records, under: definitions)
    }
}
