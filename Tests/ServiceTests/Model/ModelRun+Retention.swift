// Steps: history dropped that nothing needs.

import Feature
import Postgres
import Service
import Store
import Testing

extension ModelRun {
    /// Drops what is superseded of some feature, by some rule, and holds what is left against a search by hand.
    mutating func retain() async throws {
        // What is dropped has to have been compared.
        try await check()
        let old = model.graph.order.filter { key in
            [key, "\(key) units"].contains { model.records[$0]?.values.contains { $0.history.count > 1 } == true }
        }
        guard let key = old.randomElement(using: &random) else { return }
        let versions = random.chance(40) ? 1 + random.below(2) : nil
        let isDryRun = random.chance(20)
        note(
            "\(isDryRun ? "look what to drop of" : "drop history of") \(key), keep \(versions.map { "\($0)" } ?? "what is needed")"
        )
        let before = try await entriesByStore()
        let expected = try await StoredHistory(rig.world.pool).superseded(in: key, keep: versions ?? 0)
        let outcome = try await rig.world.metaxy.history.retain(
            try featureKey(key), versions: versions, days: versions == nil ? 0 : nil, isDryRun: isDryRun,
            writer: Writer())
        let mine = before.filter { $0.key == key || $0.key == "\(key) units" }.values.joined()
        try expect("versions dropped of \(key)", service: outcome.dropped, model: expected.count)
        try expect("versions kept of \(key)", service: outcome.kept, model: mine.count - expected.count)
        let left = Set(try await entriesByStore().values.joined())
        let all = Set(before.values.joined())
        try expect("what is left of \(key)", service: left, model: isDryRun ? all : all.subtracting(expected))
        guard !isDryRun else { return }
        let dropped = Set(entries.filter { expected.contains($0.value) }.keys)
        model.forget(dropped)
        if let feature = model.graph.features[key], feature.expandsOn != nil { try await setHorizon(of: feature) }
        let again = try await rig.world.metaxy.history.retain(
            try featureKey(key), versions: versions, days: versions == nil ? 0 : nil, isDryRun: true, writer: Writer())
        try expect("what is to drop of \(key) then", service: again.dropped, model: 0)
    }

    /// Notes of which units of an expansion the records are not all known any more.
    private mutating func setHorizon(of feature: ModelFeature) async throws {
        let horizon = try await StoredHistory(rig.world.pool).horizon(ofUnits: feature.key)
        for (unit, record) in model.records[feature.units] ?? [:] {
            let last = record.history.last { number in
                model.versions[number].kind != .late && entries[number].map { $0 <= horizon } == true
            }
            model.setHorizon(last, of: feature.units, unit)
        }
    }

    /// The entries of each feature, and of the units of each expansion.
    private func entriesByStore() async throws -> [String: [Int64]] {
        try await StoredHistory(rig.world.pool).read().entries.reduce(into: [:]) { stores, entry in
            stores[entry.store, default: []].append(entry.number)
        }
    }
}

extension Model {
    /// Forgets versions; what else is derived from them is unchanged.
    fileprivate mutating func forget(_ dropped: Set<Int>) {
        for (feature, records) in records {
            for (key, record) in records {
                let left = record.history.filter { !dropped.contains($0) }
                if left.count < record.history.count { replace(history: left, of: feature, key) }
            }
        }
    }
}

/// The lineage as it is stored, all of it in memory.
struct StoredHistory {
    struct Entry: Sendable {
        let number: Int64
        let store: String
        let record: Int64
        let kind: Int16
        let isErased: Bool
        let parents: [Int64]
        let isHead: Bool
    }

    private let pool: Pool

    init(_ pool: Pool) {
        self.pool = pool
    }

    /// All entries, in the order of their numbers, and those that claims hold as inputs.
    func read() async throws -> (entries: [Entry], held: [Int64]) {
        try await pool.withConnection { (connection) throws(PostgresError) in
            var entries: [Entry] = []
            for row in try connection.query(Self.entriesStatement, []) {
                entries.append(
                    Entry(
                        number: try row.int8(0), store: try row.text(1), record: try row.int8(2), kind: try row.int2(3),
                        isErased: try row.bool(4), parents: try row.int8ArrayOrNil(5) ?? [], isHead: try row.bool(6)))
            }
            var held: [Int64] = []
            for row in try connection.query(Self.heldStatement, []) { held += try row.int8ArrayOrNil(0) ?? [] }
            return (entries, held)
        }
    }

    /// The entry up to which not all is there that was current once of an expansion and its units; 0 where all is.
    func horizon(ofUnits feature: String) async throws -> Int64 {
        try await pool.withConnection { (connection) throws(PostgresError) in
            let rows = try connection.query(Self.horizonStatement, [.text(feature)])
            return rows.isEmpty ? 0 : try rows[0].int8(0)
        }
    }

    /// The entries of a feature, and of its units, that nothing needs and that are not among the newest of their record.
    func superseded(in feature: String, keep: Int) async throws -> Set<Int64> {
        let (entries, held) = try await read()
        let byNumber = Dictionary(uniqueKeysWithValues: entries.map { ($0.number, $0) })
        let records = Dictionary(grouping: entries) { "\($0.store) \($0.record)" }
        var wanted = entries.filter(\.isHead).map(\.number) + held
        for versions in records.values where versions.contains(where: { $0.isHead && $0.kind == 3 }) {
            wanted += versions.last { $0.kind != 3 && $0.kind != 6 && !$0.isErased }.map { [$0.number] } ?? []
        }
        var needed: Set<Int64> = []
        while let next = wanted.popLast() {
            guard needed.insert(next).inserted, let entry = byNumber[next] else { continue }
            wanted += entry.parents
        }
        var dropped: Set<Int64> = []
        for versions in records.values where [feature, "\(feature) units"].contains(versions[0].store) {
            let newest = versions.suffix(keep).map(\.number)
            var kept = Set(versions.map(\.number).filter { needed.contains($0) || newest.contains($0) })
            // What was rebased stands for the version before it.
            let current = versions.filter { $0.kind != 6 }
            for index in current.indices.dropFirst().reversed()
            where current[index].kind == 5 && kept.contains(current[index].number) {
                kept.insert(current[index - 1].number)
            }
            dropped.formUnion(versions.map(\.number).filter { !kept.contains($0) })
        }
        return dropped
    }

    private static let entriesStatement = Statement(
        "history_entries",
        """
        SELECT l.entry, f.name, l.rid, l.kind, l.provenance IS NULL, l.parents, h.entry IS NOT NULL
        FROM lineage l
        JOIN (
            SELECT id AS store, key AS name FROM feature
            UNION ALL SELECT unit_storage, key || ' units' FROM feature WHERE unit_storage IS NOT NULL
        ) f ON f.store = l.feature_id
        LEFT JOIN head h ON h.feature_id = l.feature_id AND h.rid = l.rid AND h.entry = l.entry
        ORDER BY l.entry
        """)

    private static let horizonStatement = Statement(
        "history_horizon",
        "SELECT h.entry FROM lineage_horizon h JOIN feature f ON f.unit_storage = h.feature_id WHERE f.key = $1")

    private static let heldStatement = Statement(
        "history_held",
        "SELECT parents FROM claim_batch b WHERE (SELECT c.state FROM claim c WHERE c.id = b.claim_id) = 0")
}
