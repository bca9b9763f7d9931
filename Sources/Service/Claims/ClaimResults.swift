// Writes the results of a claim.

import Feature
import Postgres
import Store

/// The result of a unit.
struct ClaimResult {
    let row: RecordRow
    /// The unit's position in the batch.
    let position: Int
    /// For an expansion, the records that the unit expands into.
    let children: [RecordRow]?
}

extension ClaimCompletion {
    /// Appends results with the provenance and parents that were handed out, and marks the units that depend on them.
    ///
    /// - Parameter unneeded: units that are up to date without the result.
    func store(
        _ results: [ClaimResult], unneeded: Set<RecordID>, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let (plan, connection) = (held.plan, transaction.connection)
        var writing = ClaimResultWriting(held, slots, capacity: results.count)
        let standing = try standing(results, transaction)
        for result in results where !standing.erased.contains(held.units.records[result.position]) {
            let record = held.units.records[result.position]
            let known = standing.heads[record]
            // A version written after the unit was handed out is newer and stays current. So does one that is right already.
            let isOvertaken =
                (known?.head.entry ?? 0) != held.units.bases[result.position] || unneeded.contains(record)
            writing.take(result, known, isOvertaken: isOvertaken)
        }
        let access = try transaction.enter(plan)
        let lineage = LineageAppend(connection, access)
        let author = Writer(
            worker: held.claim.worker, materialization: writer.materialization, token: writer.token,
            request: writer.request)
        let count = writing.columns.records.count + writing.others.count
        let operation = try transaction.begin(
            author,
            LoggedChange(
                .claimCompleted, feature: plan.id, claim: held.claim.id,
                detail: ChangeDetail.counts(["records": count])))
        try stored { [writing] () throws(StoreError) in
            try lineage.append(
                writing.columns, kind: .computed, definition: held.claim.definition, operations: [operation])
            try lineage.append(
                writing.others, fresh: writing.fresh, definition: held.claim.definition, slots: plan.slots,
                operation: operation)
        }
        transaction.presence.note(access, live: writing.appeared, gone: [])
        try transaction.propagate(writing.changes, of: plan)
        if !writing.expansions.isEmpty {
            try transaction.replace(
                writing.expansions, of: plan, slots, definition: held.claim.definition, operation: operation)
        }
    }

    /// The heads of the results' units, and the units that were erased after they were handed out.
    private func standing(
        _ results: [ClaimResult], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> (heads: [RecordID: ComparedHead], erased: Set<RecordID>) {
        let records = results.map { held.units.records[$0.position] }
        let connection = transaction.connection
        let heads = HeadTable(connection, feature: held.plan.id)
        let watched = transaction.catalog.watched(of: held.plan.id)
        do {
            let found =
                watched.isEmpty
                ? try heads.read(records).mapValues { ComparedHead(head: $0, hasSameMetadata: false, moved: []) }
                : try heads.compare(records, metadata: results.map(\.row.metadata), watched: watched)
            let overtaken = results.map(\.position).filter { position in
                (found[held.units.records[position]]?.head.entry ?? 0) != held.units.bases[position]
            }
            let erased = try ErasureTable(connection, feature: held.plan.id).erased(
                overtaken.map { held.units.records[$0] }, after: overtaken.map { held.units.bases[$0] },
                since: held.claim.claimedAt)
            return (found, erased)
        } catch {
            throw ServiceError(error)
        }
    }
}

/// Sorts results into those that are appended in bulk, as columns, and the others.
private struct ClaimResultWriting: Sendable {
    /// Results that become current, where each dep has one parent at most, of the unit's own record id.
    private(set) var columns: VersionColumns
    /// All others.
    private(set) var others: [LineageVersion] = []
    /// The records of these that have no head yet.
    private(set) var fresh: Set<RecordID> = []
    private(set) var changes: [RecordChange] = []
    private(set) var appeared: [RecordID] = []
    private(set) var expansions: [Expansion] = []
    private let units: ClaimUnits
    private let slots: FieldSlots

    init(_ held: HeldClaim, _ slots: FieldSlots, capacity: Int) {
        units = held.units
        self.slots = slots
        columns = VersionColumns(
            records: [], isFresh: [], fingerprints: ByteColumn(), metadata: ByteColumn(),
            provenance: Array(repeating: ByteColumn(), count: slots.slots), isOverridden: [],
            dataVersions: Array(repeating: ByteColumn(), count: slots.slots),
            parents: Array(repeating: [], count: units.deps))
        columns.records.reserveCapacity(capacity)
        changes.reserveCapacity(capacity)
        appeared.reserveCapacity(capacity)
    }

    mutating func take(_ result: ClaimResult, _ known: ComparedHead?, isOvertaken: Bool) {
        let record = units.records[result.position]
        let isLive = known?.head.isLive == true
        let isPlain = units.areParentsOwn && units.areParentsSingle && result.children == nil && !isOvertaken
        if isPlain { append(result, isFresh: known == nil) }
        if isPlain && !isLive {
            appeared.append(record)
            changes.append(RecordChange(appearance: record))
            return
        }
        let unit = units[result.position]
        let provenance = slots.spread(unit.provenance)
        let dataVersions = slots.dataVersions(result.row.dataVersions, over: provenance)
        if !isPlain {
            if known == nil { fresh.insert(record) }
            others.append(
                LineageVersion(
                    record: record, kind: isOvertaken ? .late : .computed, provenance: provenance,
                    dataVersions: dataVersions, parents: unit.parents, metadata: result.row.metadata))
        }
        guard !isOvertaken else { return }
        if let children = result.children {
            expansions.append(
                Expansion(unit: record, provenance: provenance, parents: unit.parents, records: children))
        }
        if !isLive { appeared.append(record) }
        let change = RecordChange(
            record, from: known?.head, to: dataVersions ?? provenance, provenance: provenance,
            columns: known?.moved ?? [])
        if let change { changes.append(change) }
    }

    private mutating func append(_ result: ClaimResult, isFresh: Bool) {
        columns.records.append(units.records[result.position])
        columns.isFresh.append(isFresh)
        columns.appendKey(isFresh ? result.row.key.encoded : nil)
        columns.metadata.append(result.row.metadata[...])
        var isOverridden = false
        var isNamed = [Bool](repeating: false, count: slots.slots)
        for (field, named) in slots.fields.enumerated() {
            let slot = Int(named.slot) - 1
            isNamed[slot] = true
            let expected = units.provenance(result.position, field: field)
            columns.provenance[slot].append(expected)
            if let given = result.row.dataVersions?[named.structKey], !expected.elementsEqual(given.utf8) {
                columns.dataVersions[slot].append(given.utf8)
                isOverridden = true
            } else {
                columns.dataVersions[slot].append(expected)
            }
        }
        for slot in isNamed.indices where !isNamed[slot] {
            columns.provenance[slot].appendNull()
            columns.dataVersions[slot].appendNull()
        }
        columns.isOverridden.append(isOverridden)
        for dep in 0..<units.deps { columns.parents[dep].append(units.parents[result.position * units.deps + dep]) }
    }
}
