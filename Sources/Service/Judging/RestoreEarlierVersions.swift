// Settles units that need no computation: it puts back earlier versions that fit and clears unneeded marks.

import Feature
import Store

struct EarlierVersionRestoring: Sendable {
    let transactions: TransactionRunner

    /// How many units one settling transaction takes.
    static let settledUnitsMax = 10_000

    /// Judges units under lock: those that are as they should be leave the candidates, and those with an earlier
    /// version that fits get it back; upstream units first, so that the others are compared with the versions that these get.
    ///
    /// Nothing is handed out and nothing is lost by it: the same judgement would be made by a claim.
    func restore(_ units: [FeatureID: Set<RecordID>]) async throws(ServiceError) {
        let features = units.keys.map { (rank: transactions.catalogs.rank($0), feature: $0) }.sorted { $0 < $1 }.map(
            \.feature)
        for feature in features {
            let sorted = units[feature, default: []].sorted()
            for start in stride(from: 0, to: sorted.count, by: Self.settledUnitsMax) {
                let part = Array(sorted[start..<min(start + Self.settledUnitsMax, sorted.count)])
                try await transactions.change { (transaction) throws(ServiceError) in
                    try transaction.restoreEarlierVersions(feature, part)
                }
            }
        }
    }
}

extension ServiceTransaction {
    /// Settles units of a derived feature; a unit that is not a candidate any more is passed over.
    mutating func restoreEarlierVersions(_ feature: FeatureID, _ units: [RecordID]) throws(ServiceError) {
        guard let plan = catalog[feature], !plan.isRoot else { return }
        try lock(units, of: feature)
        let candidates = ledger.candidates(among: units, of: feature).sorted()
        guard !candidates.isEmpty else { return }
        let judged = try stored { () throws(StoreError) in try evaluator.compare(plan, candidates) }
        let settled = judged.filter {
            $0.value.state == .upToDate || $0.value.state == .absent || $0.value.state == .suppressed
        }
        try revert(plan, settled)
        ledger.update(settled.keys, of: feature) { $0.markUpToDate($1) }
        let reverted = settled.values.count { $0.earlier != nil }
        tally.add(.earlierVersion, reverted, of: feature)
        tally.add(.asExpected, settled.values.count { $0.state == .upToDate } - reverted, of: feature)
    }

    /// Appends, for each unit with an earlier version that fits, that version once more.
    private mutating func revert(
        _ plan: FeaturePlan, _ judged: [RecordID: JudgedUnit]
    ) throws(ServiceError) {
        var versions: [LineageVersion] = []
        var heads: [RecordID: Head] = [:]
        for (record, unit) in judged.sorted(by: { $0.key < $1.key }) {
            guard let earlier = unit.earlier, let head = unit.head, let expectation = unit.judgement.expectation
            else { continue }
            versions.append(
                LineageVersion(
                    record: record, kind: .reverted, provenance: earlier.provenance,
                    dataVersions: earlier.dataVersions, parents: expectation.parents,
                    metadata: earlier.metadata ?? Array("{}".utf8)))
            heads[record] = head
        }
        guard !versions.isEmpty else { return }
        let connection = connection
        let watched = catalog.watched(of: plan.id)
        let moved = try stored { [versions] () throws(StoreError) in
            try HeadTable(connection, feature: plan.id).compare(
                versions.map(\.record), metadata: versions.map(\.metadata), watched: watched)
        }
        let changes = versions.compactMap { version in
            RecordChange(
                version.record, from: heads[version.record], to: version.dataVersions ?? version.provenance,
                provenance: version.provenance, columns: moved[version.record]?.moved ?? [])
        }
        let earlier = judged.compactMapValues(\.earlier)
        let sets = try plan.children == nil ? nil : earlierExpansions(of: earlier, versions, plan)
        let operation = try begin(
            Writer(),
            LoggedChange(
                .recordsReverted, feature: plan.id, detail: ChangeDetail.counts(["records": versions.count])))
        let access = try enter(plan)
        try stored { [versions] () throws(StoreError) in
            try LineageAppend(connection, access).append(
                versions, fresh: [], definition: plan.definition, slots: plan.slots, operation: operation)
        }
        try propagate(changes, of: plan)
        if let sets {
            try replace(
                sets, of: plan, FieldSlots(plan), kind: .reverted, definition: plan.definition, operation: operation)
        }
    }

    /// The records that units had while their earlier versions were current: until whatever brought the versions that followed.
    private func earlierExpansions(
        of earlier: [RecordID: LineageEntry], _ versions: [LineageVersion], _ plan: FeaturePlan
    ) throws(ServiceError) -> [Expansion] {
        guard let children = plan.children, let records = catalog[children.feature] else { return [] }
        let slots = FieldSlots(plan)
        return try stored { () throws(StoreError) in
            let ends = try LineageQueries(connection, feature: plan.id).ends(
                of: earlier.values.map { ParentEntry(entry: $0.entry, record: $0.record) })
            let members = try LinkTable(connection, units: plan.id, records: records.id)
                .records(of: Array(earlier.keys), space: records.space)
            let then = try LineageQueries(connection, feature: records.id).versions(
                before: members.flatMap { unit, members in members.map { ($0, ends[unit] ?? .never) } })
            let keys = try RecordIDTable(connection, space: records.space).keys(of: Array(then.keys))
            return versions.map { version in
                let rows = (members[version.record] ?? []).compactMap { record -> RecordRow? in
                    guard let entry = then[record], entry.kind != .deleted, let key = keys[record] else { return nil }
                    return RecordRow(reverting: entry, key: key, slots)
                }
                return Expansion(
                    unit: version.record, provenance: version.provenance, parents: version.parents, records: rows)
            }
        }
    }
}

extension RecordRow {
    /// An earlier version of a record as if it were sent again.
    fileprivate init(reverting entry: LineageEntry, key: RecordKey, _ slots: FieldSlots) {
        var overrides: [String: String] = [:]
        for field in slots.fields where entry.dataVersion(at: field.slot) != entry.provenance(at: field.slot) {
            overrides[field.structKey] = entry.dataVersion(at: field.slot)
        }
        self.init(
            place: .pointer(""), key: key, metadata: entry.metadata ?? Array("{}".utf8), provenance: nil,
            dataVersions: overrides.isEmpty ? nil : overrides)
    }
}
