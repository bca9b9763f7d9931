// Resolves a feature of the graph into the plan by which its units are judged.

import Feature
import Store

/// Builds plans from a graph and the stored definitions of its features.
struct PlanBuilder {
    let graph: FeatureGraph
    let stored: [FeatureKey: StoredFeature]
    let definitions: [FeatureID: StoredDefinition]
    let projects: [Int32: StoredProject]

    /// The plans of a feature's records and of its units. They are the same, except for an expansion.
    func plans(_ key: FeatureKey) throws(StoreError) -> (records: FeaturePlan, units: FeaturePlan) {
        guard
            let spec = graph[key], let feature = stored[key], let definition = definitions[feature.id],
            let project = projects[feature.project], let formula = RecordFormula(of: key, in: graph)
        else { throw .corrupt("the feature \(key) is incomplete") }
        let fields = try fields(formula, spec: spec, feature: feature, definition: definition)
        let isExpansion = spec.isExpansion
        let unitSpace = isExpansion ? feature.unitSpace : feature.space
        guard let unitSpace, !isExpansion || feature.units != nil else {
            throw .corrupt("the units of \(key) have no storage")
        }
        let unitSpec = isExpansion ? spec.identified(by: spec.unitColumns) : spec
        let deps = try deps(unitSpec, space: unitSpace, fields: fields)
        func plan(
            _ id: FeatureID, _ spec: FeatureSpec, _ space: Int32, units: FeatureID?, children: ChildPlan?
        ) -> FeaturePlan {
            FeaturePlan(
                id: id, project: feature.project, spec: spec, definition: definition.id,
                featureVersion: definition.featureVersion, space: space, hash: project.hash,
                slots: Int(feature.slots.values.max() ?? 0), fields: fields, deps: deps, units: units,
                children: children)
        }
        let units = isExpansion ? feature.units : nil
        let records = plan(feature.id, spec, feature.space, units: units, children: nil)
        guard let units else { return (records, records) }
        let positions = unitSpec.idColumns.compactMap { spec.idColumns.firstIndex(of: $0) }
        let children = ChildPlan(
            feature: feature.id, space: feature.space, idColumns: spec.idColumns, places: positions)
        return (records, plan(units, unitSpec, unitSpace, units: nil, children: children))
    }

    private func fields(
        _ formula: RecordFormula, spec: FeatureSpec, feature: StoredFeature, definition: StoredDefinition
    ) throws(StoreError) -> [FieldPlan] {
        let positions = Dictionary(spec.deps.enumerated().map { ($1.feature, $0) }) { first, _ in first }
        let versions = Dictionary(definition.fields.map { ($0.key, $0.version) }) { first, _ in first }
        var fields: [FieldPlan] = []
        for (structKey, field) in zip(formula.structKeys, formula.fields) {
            guard let slot = feature.slots[field.field], let version = versions[field.field] else {
                throw .corrupt("the field \(feature.key).\(field.field) has no slot or version")
            }
            fields.append(
                FieldPlan(
                    slot: slot, key: field.field, structKey: structKey, version: version, formula: field,
                    parents: try parents(field, positions: positions)))
        }
        return fields
    }

    private func parents(
        _ formula: FieldFormula, positions: [FeatureKey: Int]
    ) throws(StoreError) -> [FieldPlan.Parent] {
        var parents: [FieldPlan.Parent] = []
        for parent in formula.parents {
            let reference = parent.reference
            guard let dep = positions[reference.feature], let slot = stored[reference.feature]?.slots[reference.field]
            else { throw .corrupt("\(formula.field) depends on \(reference), which is not stored") }
            parents.append(FieldPlan.Parent(dep: dep, slot: slot))
        }
        return parents
    }

    private func deps(
        _ spec: FeatureSpec, space: Int32, fields: [FieldPlan]
    ) throws(StoreError) -> [DepPlan] {
        var deps: [DepPlan] = []
        for (position, dep) in spec.deps.enumerated() {
            guard let upstream = stored[dep.feature], let upstreamSpec = graph[dep.feature] else {
                throw .corrupt("\(spec.key) depends on \(dep.feature), which is not stored")
            }
            let slots = fields.flatMap(\.parents).filter { $0.dep == position }.map(\.slot)
            deps.append(
                DepPlan(
                    upstream: upstream.id, spec: dep,
                    mapping: try mapping(dep, upstream: upstream, upstreamSpec, space: space, spec),
                    slots: Set(slots), filters: try filters(dep, of: spec.key)))
        }
        return deps
    }

    private func filters(_ dep: FeatureDep, of key: FeatureKey) throws(StoreError) -> [Filter] {
        var filters: [Filter] = []
        for text in dep.sqlFilters ?? [] {
            do {
                filters.append(try Filter(text))
            } catch {
                throw .corrupt("a filter of \(key) on \(dep.feature) cannot be read: \(error)")
            }
        }
        return filters
    }

    /// The columns of an aggregation, in the order of the unit's key.
    private func grouping(
        _ dep: FeatureDep, _ upstream: FeatureSpec, _ spec: FeatureSpec
    ) throws(StoreError) -> UnitMapping {
        var columns: [GroupColumn] = []
        for column in spec.unitColumns {
            guard let original = dep.original(column) else {
                throw .corrupt("\(spec.key) groups \(dep.feature) by \(column), which is renamed")
            }
            columns.append(upstream.idColumns.firstIndex(of: original).map(GroupColumn.id) ?? .metadata(original))
        }
        return .grouped(by: columns)
    }

    private func mapping(
        _ dep: FeatureDep, upstream: StoredFeature, _ upstreamSpec: FeatureSpec, space: Int32, _ spec: FeatureSpec
    ) throws(StoreError) -> UnitMapping {
        if case .aggregation = dep.lineage { return try grouping(dep, upstreamSpec, spec) }
        let renamed = upstreamSpec.idColumns.map(dep.renamed)
        if upstream.space == space && renamed == spec.idColumns { return .same }
        var order: [Int] = []
        for column in spec.idColumns {
            guard let position = renamed.firstIndex(of: column) else {
                throw .corrupt("\(spec.key) has the id column \(column), which \(dep.feature) does not bring")
            }
            order.append(position)
        }
        return .rekeyed(order: order)
    }
}
