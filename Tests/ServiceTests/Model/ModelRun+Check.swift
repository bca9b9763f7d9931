// Holds everything that the service answers against the model.

import Feature
import Postgres
import Service
import Store
import Testing

extension ModelRun {
    /// Asks for everything, upstream before downstream, and compares.
    ///
    /// - Parameter isThorough: whether to ask also what mostly follows from the rest, and costs as much again.
    mutating func check(isThorough: Bool = false) async throws {
        let isThorough = isThorough || random.chance(8)
        let isEarly = random.chance(20)
        if isEarly { try await verify("before anybody asked") }
        isUnasked = false
        model.revert()
        model.noteMoves()
        for key in model.derived { try await checkIncrement(key) }
        try await checkLineage()
        try await checkHeads()
        if !isEarly || isThorough { try await verify("after everybody asked") }
        guard isThorough else { return }
        for key in model.graph.order { try await checkRecords(key) }
        try await checkClaims()
    }

    private func verify(_ moment: String) async throws {
        let found = try await rig.world.metaxy.operations.verify(nil, comparingEvery: 1).mismatches
        let texts = found.map { "\($0.feature) \($0.key.map { text(modelKey($0)) } ?? "as a whole"): \($0.detail)" }
        try expect("verify \(moment)", service: texts, model: [])
    }

    // MARK: The increment

    private func checkIncrement(_ key: String) async throws {
        guard let feature = model.graph.features[key] else { return }
        let page = try await rig.world.metaxy.increments.resolve(
            IncrementQuery(feature: try featureKey(key), kinds: Set(IncrementKind.allCases), limit: 1_000))
        var found: [ModelKey: IncrementRecord] = [:]
        for record in page.records { found[modelKey(record.key)] = record }
        try expect("\(key) lists each record once", service: page.records.count, model: found.count)
        var (kinds, upToDate): ([IncrementKind: Int], Int) = ([:], 0)
        for unit in model.units(feature) {
            let standing = model.standing(feature, unit)
            let kind = model.kind(feature, unit, standing)
            try expect("\(key) \(text(unit))", service: found[unit]?.kind, model: kind)
            if let kind { kinds[kind, default: 0] += 1 }
            if standing.state == .upToDate { upToDate += 1 }
            if let record = found[unit] { try compare(record, page.plan, standing, "\(key) \(text(unit))") }
            found[unit] = nil
        }
        try expect("\(key) lists nothing else", service: found.keys.map(text), model: [])
        try expect("the counts of \(key)", service: page.counts?.kinds, model: kinds)
        try expect("\(key) counts what is up to date", service: page.counts?.upToDate, model: upToDate)
    }

    /// Compares what is said of a unit.
    func compare(
        _ record: IncrementRecord, _ plan: FeaturePlan, _ standing: ModelStanding, _ name: String
    ) throws {
        var causes: [String: [String]] = [:]
        for field in record.staleFields {
            causes[plan.fields[field.field].key.description] = field.causes.map(\.rawValue)
        }
        try expect("the state of \(name)", service: record.state.rawValue, model: standing.state.rawValue)
        try expect("the stale fields of \(name)", service: causes, model: standing.staleFields)
        guard standing.state != .orphaned else { return }
        let expected = Dictionary(
            uniqueKeysWithValues: zip(plan.fields, record.provenance).compactMap { field, version in
                version.map { (field.key.description, $0) }
            })
        try expect("the expected provenance of \(name)", service: expected, model: standing.expected)
        let whole = plan.fields.map { standing.expected[$0.key.description] }
        let hash = whole.contains(nil) ? nil : modelHash(whole.compactMap { $0 }.joined(separator: "|"))
        try expect("the record's provenance of \(name)", service: record.recordProvenance, model: hash)
    }

    // MARK: Records and lineage

    private func checkRecords(_ key: String) async throws {
        let page = try await rig.world.metaxy.records.list(
            of: try featureKey(key), after: -1, limit: 1_000, includesDeleted: false)
        var found: [ModelKey: StoredRecord] = [:]
        for record in page.records { found[modelKey(record.key)] = record }
        try expect("the records of \(key)", service: Set(found.keys), model: Set(model.liveKeys(key)))
        for (unit, record) in found {
            guard let head = model.head(key, unit)?.version else { continue }
            let fields = head.definition.fieldKeys
            let name = "\(key) \(text(unit))"
            try expect(
                "the provenance of \(name)", service: record.provenance.map { "\($0.structKey)=\($0.version)" },
                model: fields.map { "\(structKey($0))=\(head.provenance[$0] ?? "")" })
            try expect(
                "the data version of \(name)", service: record.dataVersion.map { "\($0.structKey)=\($0.version)" },
                model: fields.map { "\(structKey($0))=\(head.data[$0] ?? "")" })
            let columns = record.columns.map { "\"\($0.name)\":\(String(decoding: $0.value, as: UTF8.self))" }
            try expect(
                "the columns of \(name)", service: "{\(columns.joined(separator: ","))}",
                model: head.metadata)
        }
    }

    /// Compares what was appended to the lineage with what was appended to the model.
    private mutating func checkLineage() async throws {
        let rows = try await lineage(after: lastEntry)
        var next: [String: [Int]] = [:]
        for (feature, records) in model.records {
            for (key, record) in records {
                let unseen = record.history.filter { entries[$0] == nil }
                if !unseen.isEmpty { next["\(feature) \(text(key))"] = unseen }
            }
        }
        for row in rows {
            lastEntry = row.entry
            let name = "\(row.feature) \(row.ids)"
            guard let number = next[name]?.first else {
                throw differ("the lineage of \(name)", service: "an entry of kind \(row.kind)", model: "nothing new")
            }
            next[name]?.removeFirst()
            entries[number] = row.entry
            try compare(row, model.versions[number], "entry \(row.entry) of \(name)")
        }
        let missing = next.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value.count)" }
        try expect("versions that the lineage lacks", service: [], model: missing.sorted())
    }

    private mutating func compare(_ row: LineageRow, _ version: ModelVersion, _ name: String) throws {
        try expect("the kind of \(name)", service: row.kind, model: version.kind.rawValue)
        try expect("the provenance of \(name)", service: row.provenance, model: Self.pairs(version.provenance))
        try expect("the data version of \(name)", service: row.data, model: Self.pairs(version.data))
        try expect("the metadata of \(name)", service: row.metadata.filter { $0 != " " }, model: version.metadata)
        try expect(
            "the definition of \(name)", service: definitionNames[row.definition] ?? version.definition.identity,
            model: version.definition.identity)
        definitionNames[row.definition] = version.definition.identity
        // A dep without a record has the entry 0.
        let parents = version.parents.flatMap { $0.isEmpty ? [[]] : $0 }
        try expect("the number of parents of \(name)", service: row.parents.count, model: parents.count)
        for (found, parents) in zip(row.parents, parents) {
            let allowed = parents.isEmpty ? [0] : parents.compactMap { entries[$0] }
            if !allowed.contains(found) { throw differ("the parents of \(name)", service: found, model: allowed) }
        }
        let counts = version.parents.map { Int32(max($0.count, 1)) }
        try expect(
            "the parents of \(name) by dep", service: row.parentCounts ?? counts.map { _ in 1 }, model: counts)
    }

    private static func pairs(_ values: [String: String]) -> [String] {
        values.map { "\($0.key)=\($0.value)" }.sorted()
    }

    private struct LineageRow: Sendable {
        let entry: Int64
        let feature: String
        let ids: String
        let kind: Int16
        let definition: Int64
        let provenance: [String]
        let data: [String]
        let parents: [Int64]
        let parentCounts: [Int32]?
        let metadata: String
    }

    private func lineage(after entry: Int64) async throws -> [LineageRow] {
        try await rig.world.pool.withConnection { (connection) throws(PostgresError) in
            let rows = try connection.query(Self.lineageStatement, [.int8(entry)])
            var result: [LineageRow] = []
            for row in rows {
                result.append(
                    LineageRow(
                        entry: try row.int8(0), feature: try row.text(1), ids: try row.text(2),
                        kind: try row.int2(3), definition: try row.int8(4),
                        provenance: try row.textArray(5).map { $0 ?? "" }.sorted(),
                        data: try row.textArray(6).map { $0 ?? "" }.sorted(),
                        parents: try row.int8ArrayOrNil(7) ?? [], parentCounts: try row.int4ArrayOrNil(9),
                        metadata: try row.text(8)))
            }
            return result
        }
    }

    /// What has a lineage: features, and the units of expansions.
    private static let stores = """
        SELECT id, id AS store, key AS name, space_id FROM feature
        UNION ALL
        SELECT id, unit_storage, key || ' units', unit_space_id FROM feature WHERE unit_storage IS NOT NULL
        """

    private static let lineageStatement = Statement(
        "model_lineage",
        """
        SELECT l.entry, f.name, (SELECT string_agg(v, '·' ORDER BY o)
                                FROM jsonb_array_elements_text(r.ids) WITH ORDINALITY AS e (v, o)),
               l.kind, l.definition_id,
               ARRAY(SELECT d.key || '=' || l.provenance[d.slot] FROM field d
                     WHERE d.feature_id = f.id AND l.provenance[d.slot] IS NOT NULL),
               ARRAY(SELECT d.key || '=' || (coalesce(l.data_version, l.provenance))[d.slot] FROM field d
                     WHERE d.feature_id = f.id AND (coalesce(l.data_version, l.provenance))[d.slot] IS NOT NULL),
               l.parents, l.metadata::text, l.parent_counts
        FROM lineage l JOIN (\(stores)) f ON f.store = l.feature_id
        JOIN record r ON r.space_id = f.space_id AND r.rid = l.rid
        WHERE l.entry > $1 ORDER BY l.entry
        """)

    /// Compares which version of each record is current.
    private func checkHeads() async throws {
        let found = try await rig.world.pool.withConnection { (connection) throws(PostgresError) in
            try connection.query(Self.headsStatement, []).map { row throws(PostgresError) in
                (name: try row.text(0), entry: try row.int8(1))
            }
        }
        var expected: [String: Int64] = [:]
        for (feature, records) in model.records {
            for (key, record) in records {
                if let head = record.head { expected["\(feature) \(text(key))"] = entries[head] }
            }
        }
        for head in found {
            try expect("the current entry of \(head.name)", service: head.entry, model: expected[head.name])
        }
        try expect("current entries", service: found.count, model: expected.count)
    }

    private static let headsStatement = Statement(
        "model_heads",
        """
        SELECT f.name || ' ' || (SELECT string_agg(v, '·' ORDER BY o)
                                FROM jsonb_array_elements_text(r.ids) WITH ORDINALITY AS e (v, o)), h.entry
        FROM head h JOIN (\(stores)) f ON f.store = h.feature_id
        JOIN record r ON r.space_id = f.space_id AND r.rid = h.rid
        """)

    // MARK: Claims

    /// The active claims are those of the model, and each holds what it should.
    private func checkClaims() async throws {
        let found = try await rig.world.metaxy.claims.list(feature: nil, worker: nil, after: 0, limit: 1_000)
        let held = model.claims.filter(\.isActive)
        try expect(
            "active claims", service: found.map { "\($0.claim.id): \($0.claim.remaining) of \($0.feature)" },
            model: held.map { "\($0.id): \($0.open.count) of \($0.feature)" })
    }
}

extension Model {
    /// The kind under which an increment lists a unit.
    func kind(_ feature: ModelFeature, _ unit: ModelKey, _ standing: ModelStanding) -> IncrementKind? {
        switch standing.state {
        case .upToDate, .suppressed, .absent: nil
        case .orphaned: .orphaned
        case .new: isBlocked(feature, unit) ? .blocked : .new
        case .stale: isBlocked(feature, unit) ? .blocked : .stale
        }
    }
}
