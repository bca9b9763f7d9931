// Steps: pushes and writes.

import Feature
import Service
import Store

extension ModelRun {
    // MARK: Pushes

    /// Pushes a project's next graph, or an earlier one.
    mutating func pushChange() async throws {
        let project = model.graph.part("q").features.isEmpty || random.chance(70) ? "p" : "q"
        let earlier = (pushed[project] ?? []).filter { model.graph.replacing(project, with: $0).isLegal }
        let next: ModelGraph
        if random.chance(25), !earlier.isEmpty {
            next = random.pick(earlier)
        } else {
            next = generator.changed(model.graph, project).part(project)
        }
        try await push(next, project)
    }

    mutating func push(_ part: ModelGraph, _ project: String) async throws {
        let before = model.graph
        let next = before.replacing(project, with: part)
        note("push \(project): " + changes(from: before, to: next))
        // The order of features in a push means nothing.
        let specs = part.features.sorted { $0.key < $1.key }.map(\.value.spec).shuffled(using: &random)
        try await rig.world.push(specs, project: project)
        model.define(next)
        pushed[project, default: []].append(part)
    }

    private func changes(from before: ModelGraph, to after: ModelGraph) -> String {
        var lines: [String] = []
        for key in Set(before.features.keys).union(after.features.keys).sorted() {
            let (old, new) = (before.features[key]?.spec, after.features[key]?.spec)
            if old != new { lines.append("\n     \(key): \(new ?? "removed")") }
        }
        return lines.isEmpty ? "nothing new" : lines.joined()
    }

    // MARK: Deletes

    /// Deletes or restores one or two records of some feature, or all.
    mutating func deleteOrRestore() async throws {
        guard let key = model.graph.order.randomElement(using: &random), let feature = model.graph.features[key]
        else { return }
        let isRestoring = random.chance(35)
        let present = isRestoring ? model.goneKeys(key) : model.liveKeys(key)
        let chosen = random.chance(20) ? nil : random.some(1 + random.below(2), of: present)
        if chosen?.isEmpty == true { return }
        let filters = try (chosen.map { [Self.filter(feature, $0)] } ?? []).map { (text) throws in try Filter(text) }
        note(
            "\(isRestoring ? "restore" : "delete") \(key): \(chosen.map { $0.map(text).joined(separator: " ") } ?? "all")"
        )
        let metaxy = rig.world.metaxy
        let count =
            isRestoring
            ? try await metaxy.records.restore(try featureKey(key), filters: filters, writer: Writer())
            : try await metaxy.records.delete(try featureKey(key), filters: filters, isDryRun: false, writer: Writer())
        let affected = chosen ?? present
        try expect("records", service: count, model: affected.count)
        isRestoring ? model.restore(feature, affected) : model.delete(feature, affected)
        model.noteMoves()
    }

    private static func filter(_ feature: ModelFeature, _ keys: [ModelKey]) -> String {
        keys.map { key in
            "(" + zip(feature.idColumns, key).map { "\($0) = '\($1)'" }.joined(separator: " AND ") + ")"
        }.joined(separator: " OR ")
    }

    // MARK: Writes

    /// Writes records of some root.
    mutating func writeRoot() async throws {
        guard !model.roots.isEmpty else { return }
        try await write(random.pick(model.roots))
    }

    /// Writes 1 to 5 records of a root: new, with a changed field, with other metadata only, or as they are.
    mutating func write(_ root: String) async throws {
        guard let feature = model.graph.features[root] else { return }
        var rows: [Row] = []
        for key in random.some(1 + random.below(5), of: keys(feature)) {
            var row = Row(key: key, provenance: [:], data: [:], metadata: "{}")
            let head = model.head(root, key)?.version
            for field in feature.fieldKeys {
                row.provenance?[field] = head?.provenance[field] ?? "v\(random.below(4))"
                if let head, let data = head.data[field], data != head.provenance[field] { row.data[field] = data }
            }
            row.metadata = head?.metadata ?? "{}"
            switch random.below(10) {
            case 0..<2: break
            case 2..<4: row.metadata = #"{"n":\#(random.below(5))}"#
            case 4: row.data[random.pick(feature.fieldKeys)] = "o\(random.below(3))"
            default: row.provenance?[random.pick(feature.fieldKeys)] = "v\(random.below(4))"
            }
            rows.append(row)
        }
        try await write(rows, feature)
    }

    /// Writes 1 to 3 records of a derived feature, mostly without saying what they are made from.
    mutating func writeDerived() async throws {
        guard !model.derived.isEmpty, let feature = model.graph.features[random.pick(model.derived)] else { return }
        let units = model.units(feature)
        let known = keys(feature).filter { units.contains(feature.unit(of: $0)) }
        let keys = known.isEmpty || random.chance(5) ? keys(feature) : known
        let isGiven = random.chance(15)
        let rows = random.some(1 + random.below(3), of: keys).map { key in
            var row = Row(key: key, provenance: nil, data: [:], metadata: #"{"n":\#(random.below(2))}"#)
            if isGiven {
                row.provenance = Dictionary(
                    uniqueKeysWithValues: feature.fieldKeys.map { ($0, "v\(random.below(4))") })
            }
            if random.chance(30) { row.data[random.pick(feature.fieldKeys)] = "o\(random.below(3))" }
            return row
        }
        try await write(rows, feature)
    }

    /// Every id that there can be: 6 of one value, 9 of two.
    func keys(_ feature: ModelFeature) -> [ModelKey] {
        let values = ["r", "s", "t"]
        return feature.idColumns.count == 1
            ? ["r", "s", "t", "u", "v", "w"].map { [$0] } : values.flatMap { first in values.map { [first, $0] } }
    }

    struct Row {
        let key: ModelKey
        /// By field; nil to leave it to the service.
        var provenance: [String: String]?
        /// The fields whose data version is not their provenance.
        var data: [String: String]
        var metadata: String
    }

    private mutating func write(_ rows: [Row], _ feature: ModelFeature) async throws {
        let texts = rows.map { row in
            let data = row.data.isEmpty ? "" : " data \(text(row.data))"
            return "\n     \(text(row.key)): \(row.provenance.map { text($0) } ?? "as expected")\(data) \(row.metadata)"
        }
        note("write \(feature.key):" + texts.joined())
        let records = rows.enumerated().map { index, row in
            RecordRow(
                place: .line(index + 1), key: recordKey(row.key), metadata: Array(row.metadata.utf8),
                provenance: row.provenance.map(Self.byStructKey),
                dataVersions: row.data.isEmpty ? nil : Self.byStructKey(row.data))
        }
        let shape = try await rig.world.metaxy.records.shape(of: try featureKey(feature.key))
        let outcome = try await outcome(records, shape)
        let expected = store(rows, feature)
        try expect("new records", service: outcome?.new, model: expected?.new)
        try expect("changed records", service: outcome?.changed, model: expected?.changed)
        try expect("unchanged records", service: outcome?.unchanged, model: expected?.unchanged)
    }

    /// Writes; nil where the service refuses the rows.
    private func outcome(_ records: [RecordRow], _ shape: RowShape) async throws -> WriteOutcome? {
        do {
            return try await rig.world.metaxy.put(records, shape: shape, writer: Writer())
        } catch {
            guard case .invalid = error else { throw error }
            return nil
        }
    }

    static func byStructKey(_ values: [String: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: values.map { (structKey($0.key), $0.value) })
    }

    /// Writes the rows into the model; nil where one cannot be, and then none is.
    private mutating func store(_ rows: [Row], _ feature: ModelFeature) -> (new: Int, changed: Int, unchanged: Int)? {
        guard let definition = model.definitions[feature.key] else { return nil }
        var versions: [ModelVersion] = []
        for row in rows {
            let expectation = feature.isRoot ? nil : model.expectation(feature, feature.unit(of: row.key))
            guard let provenance = row.provenance ?? expectation?.provenance, provenance.count == feature.fields.count
            else { return nil }
            versions.append(
                ModelVersion(
                    kind: .written, definition: definition, provenance: provenance,
                    data: provenance.merging(row.data) { $1 }, parents: expectation?.parents ?? [],
                    metadata: row.metadata))
        }
        model.beginChange()
        if feature.expandsOn != nil { model.follow(feature, zip(rows.map(\.key), versions).map { ($0, $1) }) }
        var counts = (new: 0, changed: 0, unchanged: 0)
        for (row, version) in zip(rows, versions) {
            guard let head = model.head(feature.key, row.key)?.version else {
                counts.new += 1
                model.append(version, to: feature.key, row.key)
                continue
            }
            let isSame =
                head.definition.identity == definition.identity && head.metadata == version.metadata
                && feature.fieldKeys.allSatisfy {
                    head.provenance[$0] == version.provenance[$0] && head.data[$0] == version.data[$0]
                }
            if isSame {
                counts.unchanged += 1
            } else {
                counts.changed += 1
                model.append(version, to: feature.key, row.key)
            }
        }
        model.noteMoves()
        return counts
    }
}
