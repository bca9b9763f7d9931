// Steps: records of an earlier feature version carried over to the current one.

import Feature
import Service
import Store

extension ModelRun {
    /// Carries over what stands under some version of some feature, mostly an earlier one.
    mutating func rebase() async throws {
        guard let key = model.graph.order.randomElement(using: &random), let feature = model.graph.features[key],
            let current = model.definitions[key]?.version
        else { return }
        let versions = Set(
            model.liveKeys(feature.units).compactMap { model.head(feature.units, $0)?.version.definition.version })
        let earlier = versions.subtracting([current]).sorted()
        guard let from = earlier.randomElement(using: &random) ?? versions.first else { return }
        let isDryRun = random.chance(15)
        note("\(isDryRun ? "try to rebase" : "rebase") \(key) from \(from.prefix(6))")
        let request = RebaseRequest(feature: try featureKey(key), from: from, isDryRun: isDryRun)
        let outcome = try await rig.world.metaxy.records.rebase(request, writer: Writer())
        let before = model
        let counts = model.rebase(feature, from: from)
        try expect("rebased", service: outcome.rebased, model: counts.rebased)
        try expect("as they would become", service: outcome.unchanged, model: counts.unchanged)
        try expect("skipped", service: outcome.skipped, model: counts.skipped)
        if isDryRun { model = before }
        model.noteMoves()
    }
}

extension Model {
    /// Gives the records that stand under `version` the provenance that the current definition gives them, but for those
    /// whose inputs moved since.
    fileprivate mutating func rebase(
        _ feature: ModelFeature, from version: String
    ) -> (rebased: Int, unchanged: Int, skipped: Int) {
        guard let definition = definitions[feature.key] else { return (0, 0, 0) }
        var counts = (rebased: 0, unchanged: 0, skipped: 0)
        let before = self
        beginChange()
        for unit in liveKeys(feature.units) {
            guard let head = before.head(feature.units, unit)?.version, head.definition.version == version else {
                continue
            }
            let provenance = before.provenance(of: unit, feature, head)
            let isRight = feature.isRoot || before.standing(feature, unit).state == .upToDate
            if let provenance, provenance.count == feature.fields.count, !before.hasMovedInputs(feature, unit) {
                if isRight && head.definition == definition {
                    counts.unchanged += 1
                    continue
                }
                counts.rebased += 1
                let parents = before.expectation(feature, unit)?.parents ?? []
                append(head.rebased(to: definition, provenance, parents), to: feature.units, unit)
                failures[feature.key]?[unit] = nil
                guard feature.expandsOn != nil else { continue }
                for record in before.liveRecords(feature, unit) {
                    guard let head = before.head(feature.key, record)?.version else { continue }
                    append(head.rebased(to: definition, provenance, parents), to: feature.key, record)
                }
            } else {
                counts.skipped += 1
            }
        }
        return counts
    }

    /// What a unit would have: a root's is that of its source.
    private func provenance(
        of unit: ModelKey, _ feature: ModelFeature, _ head: ModelVersion
    ) -> [String: String]? {
        guard feature.isRoot else { return expectation(feature, unit)?.provenance }
        return head.provenance.filter { feature.fieldKeys.contains($0.key) }
    }

    /// Whether a unit that looks made from other inputs was made from other data than there is now. What an input is
    /// rebased to is no other data.
    private func hasMovedInputs(_ feature: ModelFeature, _ unit: ModelKey) -> Bool {
        let standing = standing(feature, unit)
        guard !feature.isRoot, standing.staleFields.values.contains(where: { $0.contains("upstream") }),
            let head = head(feature.units, unit)?.version, let expectation = expectation(feature, unit)
        else { return false }
        if head.parents.isEmpty { return true }
        for (position, dep) in feature.deps.enumerated() {
            guard let place = head.definition.upstreams.firstIndex(of: dep.upstream) else { continue }
            let now = Dictionary(
                expectation.parents[position].joined().map { (owners[$0], $0) }
            ) { first, _ in first }
            var records: Set<ModelKey> = []
            for parents in head.parents[place] {
                guard let first = parents.first else { continue }
                let record = owners[first]
                records.insert(record)
                let entry = parents.min() ?? first
                if now[record] != entry && hasMoved(dep.upstream, record, since: entry) { return true }
            }
            if records != Set(now.keys) { return true }
        }
        return false
    }

    private func hasMoved(_ feature: String, _ record: ModelKey, since entry: Int) -> Bool {
        let history = (records[feature]?[record]?.history ?? []).filter { $0 >= entry && versions[$0].kind != .late }
        return zip(history, history.dropFirst()).contains { before, after in
            versions[after].kind != .rebased && versions[before].data != versions[after].data
        }
    }
}

extension ModelVersion {
    /// The same data under another definition: data versions that were given stay, the others follow the provenance.
    fileprivate func rebased(
        to definition: ModelDefinition, _ provenance: [String: String], _ parents: [[ModelParents]]
    ) -> ModelVersion {
        var data = provenance
        for field in provenance.keys {
            if let version = self.data[field], version != self.provenance[field] { data[field] = version }
        }
        return ModelVersion(
            kind: .rebased, definition: definition, provenance: provenance, data: data, parents: parents,
            metadata: metadata)
    }
}
