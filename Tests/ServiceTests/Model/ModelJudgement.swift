// What each record should be, by recursion over the graph.

/// What a unit should be.
struct ModelExpectation {
    /// By field; a field is missing where an input has no data version that it needs.
    let provenance: [String: String]
    /// The versions that it follows from, by dep.
    let parents: [[ModelParents]]
}

/// How a unit stands.
struct ModelStanding: Equatable {
    enum State: String {
        case upToDate = "up_to_date"
        case new
        case stale
        case orphaned
        case suppressed
        case absent
    }

    let state: State
    /// Causes by field.
    let staleFields: [String: [String]]
    /// By field.
    let expected: [String: String]
}

extension Model {
    /// How a unit of a derived feature stands.
    func standing(_ feature: ModelFeature, _ unit: ModelKey) -> ModelStanding {
        let head = head(feature.units, unit)?.version
        guard let expectation = expectation(feature, unit) else {
            return ModelStanding(state: head == nil ? .absent : .orphaned, staleFields: [:], expected: [:])
        }
        guard let head else {
            // A deleted record stays away while its inputs are those of its tombstone.
            let tombstone = current(feature.units, unit)?.version.provenance
            if let tombstone,
                feature.fieldKeys.allSatisfy({
                    tombstone[$0] != nil && tombstone[$0] == expectation.provenance[$0]
                })
            {
                return ModelStanding(state: .suppressed, staleFields: [:], expected: expectation.provenance)
            }
            let missing = Dictionary(uniqueKeysWithValues: feature.fieldKeys.map { ($0, ["missing"]) })
            return ModelStanding(state: .new, staleFields: missing, expected: expectation.provenance)
        }
        var stale: [String: [String]] = [:]
        for field in feature.fieldKeys {
            let expected = expectation.provenance[field]
            if expected == nil || head.provenance[field] != expected {
                stale[field] = causes(feature, unit, field, head)
            }
        }
        return ModelStanding(
            state: stale.isEmpty ? .upToDate : .stale, staleFields: stale, expected: expectation.provenance)
    }

    /// Nil where a required upstream record is missing, or where there is none at all.
    func expectation(_ feature: ModelFeature, _ unit: ModelKey) -> ModelExpectation? {
        let inputs = inputs(feature, unit)
        guard
            zip(feature.deps, inputs).allSatisfy({ $0.isOptional || !$1.isEmpty }),
            inputs.contains(where: { !$0.isEmpty })
        else { return nil }
        var provenance: [String: String] = [:]
        for (field, formula) in definitions[feature.key]?.formulas ?? [:] {
            provenance[field] = self.provenance(field, formula, feature, inputs)
        }
        return ModelExpectation(provenance: provenance, parents: Self.parents(inputs))
    }

    /// The current versions of the records that go into a unit, by dep.
    private func inputs(_ feature: ModelFeature, _ unit: ModelKey) -> [[Int]] {
        feature.deps.map { dep in
            group(of: unit, feature, dep).compactMap { head(dep.upstream, $0)?.number }
        }
    }

    private static func parents(_ inputs: [[Int]]) -> [[ModelParents]] {
        inputs.map { $0.map { [$0] } }
    }

    /// The hash of field, code and each input's label and data version; a missing input counts as empty where it may
    /// be missing.
    private func provenance(
        _ field: String, _ formula: ModelFormula, _ feature: ModelFeature, _ inputs: [[Int]]
    ) -> String? {
        var parts = [field, formula.code]
        for parent in formula.parents {
            guard let place = feature.deps.firstIndex(where: { $0.upstream == parent.feature }) else { return nil }
            let version = dataVersion(of: parent.field, inputs[place], feature.deps[place])
            guard version != nil || parent.isOptional else { return nil }
            parts += [parent.label, version ?? ""]
        }
        return modelHash(parts.joined(separator: "|"))
    }

    /// A record's data version of a field; for a group, the hash of those that its records have.
    private func dataVersion(of field: String, _ records: [Int], _ dep: ModelDep) -> String? {
        let known = records.compactMap { versions[$0].data[field] }
        guard case .groups = dep.lineage, !records.isEmpty else { return known.first }
        return modelHash(known.joined(separator: "|"))
    }

    /// A field whose definition differs from that of its head is stale by its code; and also by its inputs where the
    /// old definition would not give the old provenance any more.
    private func causes(
        _ feature: ModelFeature, _ unit: ModelKey, _ field: String, _ head: ModelVersion
    ) -> [String] {
        guard let current = head.provenance[field] else { return ["missing"] }
        guard let then = head.definition.formulas[field], then != definitions[feature.key]?.formulas[field] else {
            return ["upstream"]
        }
        let upstreams = Set(feature.deps.map(\.upstream))
        guard then.parents.allSatisfy({ upstreams.contains($0.feature) }) else { return ["code"] }
        return provenance(field, then, feature, inputs(feature, unit)) == current ? ["code"] : ["upstream", "code"]
    }

    /// Whether some upstream field that the unit uses is not settled.
    func isBlocked(_ feature: ModelFeature, _ unit: ModelKey) -> Bool {
        feature.fieldKeys.contains { hasUnsettledInput(feature, unit, $0) }
    }

    private func hasUnsettledInput(_ feature: ModelFeature, _ unit: ModelKey, _ field: String) -> Bool {
        (definitions[feature.key]?.formulas[field]?.parents ?? []).contains { parent in
            guard
                let upstream = graph.features[parent.feature],
                let dep = feature.deps.first(where: { $0.upstream == parent.feature })
            else { return false }
            return group(of: unit, feature, dep).contains { isUnsettled(upstream, $0, parent.field) }
        }
    }

    /// Whether a field of a record is to be renewed, or one that it is made from. What is no longer expected will not be;
    /// records of an expansion are renewed with their unit.
    private func isUnsettled(_ feature: ModelFeature, _ key: ModelKey, _ field: String) -> Bool {
        let unit = feature.unit(of: key)
        guard let head = head(feature.units, unit)?.version else { return false }
        if feature.isRoot {
            return head.definition.formulas[field]?.code != definitions[feature.key]?.formulas[field]?.code
        }
        let standing = standing(feature, unit)
        if standing.state == .orphaned { return false }
        return standing.staleFields[field] != nil || hasUnsettledInput(feature, unit, field)
    }
}

// MARK: - Going back

extension Model {
    /// Gives every record that was written under another definition, and was once exactly what it should be now, that
    /// version back. Expansions are expanded again: the records that they made may be gone.
    mutating func revert() {
        for key in derived {
            guard let feature = graph.features[key] else { continue }
            for unit in liveKeys(key) {
                guard let earlier = earlierVersion(feature, unit), let definition = definitions[key] else { continue }
                append(
                    ModelVersion(
                        kind: .reverted, definition: definition, provenance: earlier.provenance, data: earlier.data,
                        parents: Self.parents(inputs(feature, unit)), metadata: earlier.metadata),
                    to: key, unit)
            }
        }
    }

    /// Whether a unit needs no result: it is as it should be, or has a version that is.
    func isRight(_ feature: ModelFeature, _ unit: ModelKey) -> Bool {
        [.upToDate, .suppressed].contains(standing(feature, unit).state) || earlierVersion(feature, unit) != nil
    }

    private func earlierVersion(_ feature: ModelFeature, _ unit: ModelKey) -> ModelVersion? {
        let standing = standing(feature, unit)
        guard
            feature.expandsOn == nil, standing.state == .stale, standing.expected.count == feature.fields.count,
            head(feature.key, unit)?.version.definition.identity != definitions[feature.key]?.identity
        else { return nil }
        let history = records[feature.key]?[unit]?.history ?? []
        return history.reversed().map { versions[$0] }.first { version in
            version.kind != .deleted && standing.expected.allSatisfy { version.provenance[$0.key] == $0.value }
        }
    }
}
