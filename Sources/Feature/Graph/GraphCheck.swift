// What must hold between features for a graph to have versions.

import JSON

/// Finds every fault of a set of features, and the inputs of their fields.
struct GraphCheck {
    private(set) var problems: [GraphProblem] = []
    private(set) var members: [FeatureKey: FeatureGraph.Member] = [:]
    let order: [FeatureKey]
    private let cycles: [[FeatureKey]]
    private var refused: Set<FeatureKey> = []

    init(_ list: [FeatureGraph.Member]) {
        var repeated: [FeatureKey] = []
        for member in list where members.updateValue(member, forKey: member.spec.key) != nil {
            repeated.append(member.spec.key)
        }
        let sorted = TopologicalOrder(members.mapValues { $0.spec.deps.map(\.feature) })
        order = sorted.order
        cycles = sorted.cycles
        for key in repeated { refuse(.duplicateFeature, key, "/key", "two features have the key \"\(key)\"") }
    }

    /// Checks everything.
    ///
    /// - Returns: the sorted inputs of each field; complete only when there are no problems.
    mutating func run() -> [FieldReference: [FieldReference]] {
        for cycle in cycles where cycle.count > 1 { refuse(cycle: cycle) }
        var parents: [FieldReference: [FieldReference]] = [:]
        for key in order {
            guard let spec = members[key]?.spec else { continue }
            checkStructKeys(spec)
            checkUpstream(spec)
            for (index, field) in spec.fields.enumerated() {
                let inputs = inputs(of: field, at: index, in: spec)
                parents[FieldReference(feature: key, field: field.key)] = inputs
            }
            guard !refused.contains(key) else { continue }
            for (index, dep) in spec.deps.enumerated() where refused.contains(dep.feature) {
                let detail = "the upstream feature \"\(dep.feature)\" is refused"
                refuse(.upstreamRefused, key, JSONPointer("/deps/\(index)/feature"), detail)
            }
        }
        return parents
    }

    private mutating func refuse(
        _ code: GraphProblem.Code, _ key: FeatureKey, _ pointer: JSONPointer, _ detail: String
    ) {
        refused.insert(key)
        problems.append(GraphProblem(code: code, feature: key, pointer: pointer, detail: detail))
    }

    private mutating func refuse(cycle: [FeatureKey]) {
        // One report for each cycle, at the feature whose key comes first, whatever the feature it was met from.
        guard let first = cycle.min(), let start = cycle.firstIndex(of: first) else { return }
        let turned = cycle[start...] + cycle[..<start]
        let path = (turned + [first]).map(\.description).joined(separator: " → ")
        let next = turned[turned.startIndex + 1]
        let index = members[first]?.spec.deps.firstIndex { $0.feature == next } ?? 0
        refuse(.cycle, first, JSONPointer("/deps/\(index)/feature"), "features depend on one another: \(path)")
        refused.formUnion(cycle)
    }

    private mutating func checkStructKeys(_ spec: FeatureSpec) {
        var owners: [String: FieldKey] = [:]
        for (index, field) in spec.fields.enumerated() {
            guard let other = owners.updateValue(field.key, forKey: field.key.structKey) else { continue }
            refuse(
                .structKeyClash, spec.key, JSONPointer("/fields/\(index)/key"),
                "the fields \"\(other)\" and \"\(field.key)\" would both be \"\(field.key.structKey)\" in records")
        }
    }

    private mutating func checkUpstream(_ spec: FeatureSpec) {
        var seen: Set<FeatureKey> = []
        for (index, dep) in spec.deps.enumerated() {
            let place = JSONPointer("/deps/\(index)")
            if dep.feature == spec.key {
                refuse(.selfDependency, spec.key, place.appending("feature"), "\"\(spec.key)\" depends on itself")
            } else if let upstream = members[dep.feature]?.spec {
                checkMapping(dep.fieldsMapping, of: spec, to: upstream, at: place)
            } else {
                let detail = "there is no feature \"\(dep.feature)\""
                refuse(.unknownUpstream, spec.key, place.appending("feature"), detail)
            }
            if !seen.insert(dep.feature).inserted {
                let detail = "a second dep on \"\(dep.feature)\"; put all of it into one"
                refuse(.duplicateDependency, spec.key, place.appending("feature"), detail)
            }
        }
    }

    private mutating func checkMapping(
        _ mapping: FieldsMapping, of spec: FeatureSpec, to upstream: FeatureSpec, at place: JSONPointer
    ) {
        guard case .specific(let table) = mapping else { return }
        let place = place.appending("fields_mapping").appending("mapping").appending("mapping")
        for (field, inputs) in table.sorted(by: { $0.key < $1.key }) {
            let place = place.appending(field.description)
            if !spec.has(field) {
                refuse(.unknownField, spec.key, place, "\"\(spec.key)\" has no field \"\(field)\"")
            }
            for input in inputs.sorted() where !upstream.has(input) {
                refuse(.unknownField, spec.key, place, "\"\(upstream.key)\" has no field \"\(input)\"")
            }
        }
    }

    /// The sorted inputs of a field; empty, with a problem recorded, where there should be some and are none.
    private mutating func inputs(of field: FieldSpec, at index: Int, in spec: FeatureSpec) -> [FieldReference] {
        let place = JSONPointer("/fields/\(index)")
        let problemsBefore = problems.count
        let inputs: Set<FieldReference> =
            switch field.deps {
            case .explicit(let deps): explicitInputs(deps, of: spec, at: place.appending("deps"))
            case .all: Set(spec.deps.flatMap { fields(of: $0.feature) })
            case .automatic: Set(spec.deps.flatMap { mappedInputs(of: field.key, through: $0) })
            }
        // Where an upstream or a named field is unknown, that has been said already.
        let isKnown = problems.count == problemsBefore && spec.deps.allSatisfy { members[$0.feature] != nil }
        if inputs.isEmpty, !spec.isRoot, isKnown {
            refuse(
                .noUpstreamFields, spec.key, place,
                "No upstream fields found for field \"\(field.key)\" of feature \"\(spec.key)\"; name some in its"
                    + " deps, or change a fields_mapping")
        }
        return inputs.sorted()
    }

    private func fields(of key: FeatureKey) -> [FieldReference] {
        members[key]?.spec.fields.map { FieldReference(feature: key, field: $0.key) } ?? []
    }

    private func mappedInputs(of field: FieldKey, through dep: FeatureDep) -> [FieldReference] {
        let upstream = members[dep.feature]?.spec.fields.map(\.key) ?? []
        return dep.fieldsMapping.inputs(of: field, among: upstream).map {
            FieldReference(feature: dep.feature, field: $0)
        }
    }

    private mutating func explicitInputs(
        _ deps: [FieldDep], of spec: FeatureSpec, at place: JSONPointer
    ) -> Set<FieldReference> {
        var inputs: Set<FieldReference> = []
        for (index, dep) in deps.enumerated() {
            let place = place.appending(index)
            guard spec.deps.contains(where: { $0.feature == dep.feature }) else {
                let detail = "\"\(dep.feature)\" is not among the deps of \"\(spec.key)\""
                refuse(.unknownField, spec.key, place.appending("feature"), detail)
                continue
            }
            guard let upstream = members[dep.feature]?.spec else { continue }
            guard let fields = dep.fields else {
                inputs.formUnion(self.fields(of: dep.feature))
                continue
            }
            for (index, field) in fields.enumerated() {
                if upstream.has(field) {
                    inputs.insert(FieldReference(feature: dep.feature, field: field))
                } else {
                    let place = place.appending("fields").appending(index)
                    refuse(.unknownField, spec.key, place, "\"\(upstream.key)\" has no field \"\(field)\"")
                }
            }
        }
        return inputs
    }
}

extension FeatureSpec {
    fileprivate func has(_ field: FieldKey) -> Bool { fields.contains { $0.key == field } }
}
