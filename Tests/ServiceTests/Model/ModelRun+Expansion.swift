// Steps: units that are expanded into records.

import Feature
import Service
import Store

extension ModelRun {
    /// Reports the records that units of an expansion make: none, some, or all that can be.
    mutating func expand(_ place: Int, _ positions: [Int], _ feature: ModelFeature) async throws {
        let claim = model.claims[place]
        let all = keys(feature)
        var made: [[Row]] = []
        for position in positions {
            let records = all.filter { feature.unit(of: $0) == claim.units[position].key }
            made.append(random.some(random.below(records.count + 1), of: records).map { row($0, claim) })
        }
        note(
            "complete \(name(place)):"
                + zip(positions, made).map { position, rows in
                    let texts = rows.map { "\(text($0.key)) [\(text($0.data))] \($0.metadata)" }
                    return "\n     \(text(claim.units[position].key)) into {\(texts.joined(separator: ", "))}"
                }.joined())
        let results = zip(positions, made).enumerated().map { index, unit in
            UnitResult(
                place: .pointer("/units/\(index)"), key: recordKey(claim.units[unit.0].key),
                records: unit.1.enumerated().map { number, row in
                    RecordRow(
                        place: .pointer("/units/\(index)/records/\(number)"), key: recordKey(row.key),
                        metadata: Array(row.metadata.utf8), provenance: nil,
                        dataVersions: row.data.isEmpty ? nil : Self.byStructKey(row.data))
                })
        }
        let metaxy = rig.world.metaxy
        let outcome = try await report(place, "completion", alsoFinished: true) {
            try await metaxy.claims.complete(claim: claim.id, token: claim.token, units: results, writer: Writer())
        }
        guard let outcome else { return }
        let before = model
        model.beginChange()
        for (position, rows) in zip(positions, made) where !claim.units[position].isDone {
            let unit = claim.units[position]
            let isLate = before.isLate(unit, feature)
            model.append(
                ModelVersion(
                    kind: isLate ? .late : .computed, definition: claim.definition, provenance: unit.provenance,
                    data: unit.provenance, parents: unit.parents, metadata: "{}"),
                to: feature.units, unit.key, becomesHead: !isLate)
            if !isLate {
                model.replace(feature, unit.key, rows, .computed, unit.provenance, unit.parents, claim.definition)
            }
            model.finish(place, position)
        }
        model.noteMoves()
        try compare(outcome, place, positions, asOf: claim)
    }

    private mutating func row(_ key: ModelKey, _ claim: ModelClaim) -> Row {
        var row = Row(key: key, provenance: nil, data: [:], metadata: random.chance(30) ? #"{"n":1}"# : "{}")
        for field in claim.definition.fieldKeys where random.chance(20) { row.data[field] = "o\(random.below(3))" }
        return row
    }
}

extension Model {
    /// Makes the records of a unit exactly `rows`.
    mutating func replace(
        _ feature: ModelFeature, _ unit: ModelKey, _ rows: [ModelRun.Row], _ kind: ModelVersion.Kind,
        _ provenance: [String: String], _ parents: [[ModelParents]], _ definition: ModelDefinition
    ) {
        let before = liveRecords(feature, unit)
        for row in rows {
            let version = ModelVersion(
                kind: kind, definition: definition, provenance: provenance,
                data: provenance.merging(row.data) { $1 }, parents: parents, metadata: row.metadata)
            if let head = head(feature.key, row.key)?.version, head.isAsSaid(by: version) { continue }
            append(version, to: feature.key, row.key)
        }
        let kept = Set(rows.map(\.key))
        for record in before where !kept.contains(record) { bury(feature.key, record, definition, nil) }
    }

    /// Lets the units of an expansion be as their records were written; the last one of a unit decides.
    mutating func follow(_ feature: ModelFeature, _ written: [(record: ModelKey, version: ModelVersion)]) {
        var last: [ModelKey: ModelVersion] = [:]
        for (record, version) in written { last[feature.unit(of: record)] = version }
        for (unit, version) in last {
            let head = head(feature.units, unit)?.version
            if head?.definition == version.definition && head?.provenance == version.provenance { continue }
            append(
                ModelVersion(
                    kind: .written, definition: version.definition, provenance: version.provenance,
                    data: version.provenance, parents: version.parents, metadata: "{}"),
                to: feature.units, unit)
        }
    }
}

extension ModelVersion {
    /// Whether writing `other` would change nothing.
    func isAsSaid(by other: ModelVersion) -> Bool {
        definition.identity == other.definition.identity && metadata == other.metadata
            && provenance == other.provenance && data == other.data
    }
}
