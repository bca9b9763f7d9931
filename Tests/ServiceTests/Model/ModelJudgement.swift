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
    /// Gives every unit that was written under another definition, and was once exactly what it should be now, that
    /// version back; a unit of an expansion with the records that it had then.
    mutating func revert() {
        for key in derived {
            guard let feature = graph.features[key], let definition = definitions[key] else { continue }
            for unit in liveKeys(feature.units) {
                guard let number = earlierVersion(feature, unit) else { continue }
                let (earlier, parents) = (versions[number], Self.parents(inputs(feature, unit)))
                let rows = feature.expandsOn == nil ? nil : rows(feature, unit, during: number)
                beginChange()
                append(
                    ModelVersion(
                        kind: .reverted, definition: definition, provenance: earlier.provenance, data: earlier.data,
                        parents: parents, metadata: earlier.metadata),
                    to: feature.units, unit)
                guard let rows else { continue }
                replace(feature, unit, rows, .reverted, earlier.provenance, parents, definition)
            }
        }
    }

    /// Whether some unit gets an earlier version back when somebody asks.
    var wouldRevert: Bool {
        var asked = self
        asked.revert()
        return asked.versions.count > versions.count
    }

    /// Whether a unit needs no result: it is as it should be, or has a version that is.
    func isRight(_ feature: ModelFeature, _ unit: ModelKey) -> Bool {
        [.upToDate, .suppressed].contains(standing(feature, unit).state) || earlierVersion(feature, unit) != nil
    }

    /// Of an expansion only a version that was current, and beside which nothing was dropped since.
    private func earlierVersion(_ feature: ModelFeature, _ unit: ModelKey) -> Int? {
        let standing = standing(feature, unit)
        guard
            standing.state == .stale, standing.expected.count == feature.fields.count,
            head(feature.units, unit)?.version.definition.identity != definitions[feature.key]?.identity
        else { return nil }
        let record = records[feature.units]?[unit]
        return (record?.history ?? []).last { number in
            let version = versions[number]
            let isWhole = version.kind != .late && number >= record?.horizon ?? 0
            return version.kind != .deleted && (feature.expandsOn == nil || isWhole)
                && standing.expected.allSatisfy { version.provenance[$0.key] == $0.value }
        }
    }

    /// The records that a unit had until the change that brought its next version.
    private func rows(_ feature: ModelFeature, _ unit: ModelKey, during number: Int) -> [ModelRun.Row] {
        let next = records[feature.units]?[unit]?.history.first { $0 > number && versions[$0].kind != .late }
        return (records[feature.key] ?? [:]).filter { feature.unit(of: $0.key) == unit }.sorted {
            $0.key.lexicographicallyPrecedes($1.key)
        }.compactMap { key, record in
            let last = record.history.last { version in
                guard versions[version].kind != .late else { return false }
                return next.map { version < $0 && !areOfOneChange(version, $0) } ?? true
            }
            guard let version = last.map({ versions[$0] }), version.kind != .deleted else { return nil }
            let data = version.data.filter {
                feature.fieldKeys.contains($0.key) && version.provenance[$0.key] != $0.value
            }
            return ModelRun.Row(key: key, provenance: nil, data: data, metadata: version.metadata)
        }
    }
}
