// The transaction in which records of a root are written.

import Feature
import Postgres
import Store

/// A part with the ids of its records.
struct RootRows: Sendable {
    let part: RecordPart
    let records: [RecordID]
}

/// A write to a root being carried out in one transaction.
struct RootWriting {
    private let plan: FeaturePlan
    private let shape: RowShape
    private let operation: Int64
    /// Whether nobody else writes to the root meanwhile; otherwise the blocks of the records are locked.
    private let isAlone: Bool
    private let watched: [String]
    private var outcome: WriteOutcome
    /// Records that are now as their source says, and units downstream that may need work.
    private var settled: [BlockAddress: BlockBits] = [:]
    private var marked: [BlockAddress: BlockBits] = [:]

    init(_ shape: RowShape, _ writer: Writer, isAlone: Bool, _ scope: inout Scope) throws(ServiceError) {
        let plan = try scope.plan(shape.key)
        guard plan.isRoot, plan.definition == shape.definition else {
            throw .conflict("the feature \(shape.key) was redefined while the rows were read; send them again")
        }
        let connection = scope.connection
        try stored { () throws(StoreError) in try RootLock(connection, feature: plan.id).enter(isAlone: isAlone) }
        operation = try scope.begin(writer, LoggedChange(.recordsWritten, feature: plan.id))
        self.plan = plan
        self.shape = shape
        self.isAlone = isAlone
        watched = scope.catalog.watched(of: plan.id)
        outcome = WriteOutcome(featureVersion: plan.featureVersion, new: 0, changed: 0, unchanged: 0)
    }

    /// Writes the rows that differ from what is stored.
    mutating func write(_ rows: RootRows, _ scope: inout Scope) throws(ServiceError) {
        if !isAlone { try scope.lock(rows.records, of: plan.id) }
        let connection = scope.connection
        let plan = plan
        let found = try stored { () throws(StoreError) in
            try Heads(connection, feature: plan.id).differing(rows.records, fingerprints: rows.part.fingerprints)
        }
        let compared = try compare(rows, found, connection)
        var appended: [Int] = []
        var fresh: [Bool] = []
        var appeared: [RecordID] = []
        var changes: [RecordChange] = []
        for (position, head) in found {
            let record = rows.records[position]
            guard let head else {
                appended.append(position)
                fresh.append(true)
                appeared.append(record)
                changes.append(RecordChange(appearance: record))
                continue
            }
            let versions = versions(rows.part, position)
            if isSame(versions, head), compared[record]?.hasSameMetadata == true { continue }
            appended.append(position)
            fresh.append(false)
            if head.isLive { outcome.changed += 1 } else { appeared.append(record) }
            let change = RecordChange(
                record, from: head, to: versions.data, provenance: versions.provenance,
                columns: compared[record]?.moved ?? [])
            if let change { changes.append(change) }
        }
        outcome.new += appeared.count
        outcome.unchanged += rows.part.count - appended.count
        guard !appended.isEmpty else { return }
        let columns = columns(rows, appended, fresh)
        try stored { [operation, appeared] () throws(StoreError) in
            try VersionLog(connection, feature: plan.id)
                .append(columns, kind: .written, definition: plan.definition, operation: operation)
            try Presences(connection).update(plan.id, live: appeared, gone: [])
        }
        note(columns.records, of: plan.id, in: &settled)
        for mark in try scope.marks(changes, of: plan) { note(mark.units, of: mark.feature, in: &marked) }
    }

    /// Marks what the write touches, blocks in the one order in which everybody locks them.
    mutating func finish(_ scope: inout Scope) throws(ServiceError) -> WriteOutcome {
        try scope.lock(Set(settled.keys).union(marked.keys))
        for (address, bits) in settled { scope.ledger.update(address) { $0.settle(bits) } }
        for (address, bits) in marked { scope.ledger.update(address) { $0.mark(bits) } }
        scope.tally.add(outcome, of: plan.id)
        try scope.complete(operation, outcome.detail)
        return outcome
    }

    private func note(
        _ records: [RecordID], of feature: FeatureID, in blocks: inout [BlockAddress: BlockBits]
    ) {
        blocks.merge(BlockAddress.group(records, of: feature)) { $0 | $1 }
    }
}

extension RootWriting {
    /// Holds the metadata of rows against what is stored, where their versions do not tell already that they differ, or
    /// where somebody downstream watches columns.
    private func compare(
        _ rows: RootRows, _ found: [(position: Int, head: Head?)], _ connection: Connection
    ) throws(ServiceError) -> [RecordID: ComparedHead] {
        let doubtful = found.filter { position, head in
            guard let head, head.isLive else { return false }
            return !watched.isEmpty || isSame(versions(rows.part, position), head)
        }.map(\.position)
        guard !doubtful.isEmpty else { return [:] }
        let metadata = doubtful.map { Array(rows.part.metadata[$0] ?? []) }
        return try stored { () throws(StoreError) in
            try Heads(connection, feature: plan.id)
                .compare(doubtful.map { rows.records[$0] }, metadata: metadata, watched: watched)
        }
    }

    /// What a row says, by slot.
    private func versions(_ part: RecordPart, _ row: Int) -> (provenance: [String?], data: [String?]) {
        var provenance = [String?](repeating: nil, count: plan.slots)
        var data = provenance
        for (field, values) in plan.fields.enumerated() {
            let index = Int(values.slot) - 1
            let value = part.provenance[field][row].map { String(decoding: $0, as: UTF8.self) }
            provenance[index] = value
            data[index] = part.dataVersions[field][row].map { String(decoding: $0, as: UTF8.self) } ?? value
        }
        return (provenance, data)
    }

    private func isSame(_ versions: (provenance: [String?], data: [String?]), _ head: Head) -> Bool {
        guard head.isLive, head.definition == plan.definition else { return false }
        return plan.fields.map(\.slot).allSatisfy { slot in
            let index = Int(slot) - 1
            return head.provenance(at: slot) == versions.provenance[index]
                && head.dataVersion(at: slot) == versions.data[index]
        }
    }

    /// The rows at `positions` as the lineage takes them.
    private func columns(_ rows: RootRows, _ positions: [Int], _ fresh: [Bool]) -> VersionColumns {
        let part = rows.part
        var absent = ByteColumn()
        for _ in positions { absent.appendNull() }
        var provenance = [ByteColumn](repeating: absent, count: plan.slots)
        for (field, values) in plan.fields.enumerated() {
            provenance[Int(values.slot) - 1] = part.provenance[field].picking(positions)
        }
        var versions = VersionColumns(
            records: positions.map { rows.records[$0] }, isFresh: fresh,
            fingerprints: part.fingerprints.picking(positions), metadata: part.metadata.picking(positions),
            provenance: provenance, isOverridden: Array(repeating: false, count: positions.count), dataVersions: [])
        guard part.hasDataVersions else { return versions }
        versions.dataVersions = [ByteColumn](repeating: absent, count: plan.slots)
        for (field, values) in plan.fields.enumerated() {
            var column = ByteColumn()
            for (index, position) in positions.enumerated() {
                let value = part.provenance[field][position] ?? []
                let data = part.dataVersions[field][position] ?? value
                column.append(data)
                if data != value { versions.isOverridden[index] = true }
            }
            versions.dataVersions[Int(values.slot) - 1] = column
        }
        return versions
    }
}
