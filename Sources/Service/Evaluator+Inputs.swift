// The inputs of units: live upstream records that pass the filters of their dep.

import Feature
import Store

extension Evaluator {
    /// The upstream records that go into each unit: live ones that pass the filters of their dep.
    ///
    /// - Returns: for every unit, by dep.
    /// - Complexity: one round trip a dep within an id space, three across, one or two more where a dep has filters.
    func inputs(_ plan: FeaturePlan, _ units: [RecordID]) throws(StoreError) -> [RecordID: UnitInputs] {
        let mapper = UnitMapper(connection: connection, catalog: catalog)
        let empty = UnitInputs(deps: plan.deps.map { _ in [] })
        var inputs = Dictionary(units.map { ($0, empty) }) { first, _ in first }
        for (position, dep) in plan.deps.enumerated() {
            let upstream = try mapper.upstream(of: units, plan, dep: dep)
            let heads = try liveInputs(dep, upstream.values.flatMap { $0 })
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

    /// Those of the upstream's records that are inputs.
    private func liveInputs(_ dep: DepPlan, _ records: [RecordID]) throws(StoreError) -> [RecordID: Head] {
        let heads = Heads(connection, feature: dep.upstream)
        guard !dep.filters.isEmpty else { return try heads.read(records).filter(\.value.isLive) }
        guard let upstream = catalog[dep.upstream] else { throw .corrupt("\(dep.spec.feature) has no plan") }
        let described = try heads.describe(records).filter(\.value.head.isLive)
        let keys = try RecordIDs(connection, space: upstream.space).keys(of: Array(described.keys))
        var reader = InputReader(upstream: upstream, dep: dep)
        var inputs: [RecordID: Head] = [:]
        for (record, head) in described {
            guard let key = keys[record] else { continue }
            if try reader.row(head, key: key).passes(dep.filters) { inputs[record] = head.head }
        }
        return inputs
    }
}
