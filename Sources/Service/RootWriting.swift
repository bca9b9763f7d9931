// The transaction in which records of a root are written.

import Feature
import Postgres
import Store

/// A part with the ids of its records.
struct RootRows: Sendable {
    let part: RecordPart
    let records: [RecordID]
    /// What differs from what is stored; nil where that has yet to be found, under the locks of the write.
    let differing: DifferingHeads?
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
            if let differing = rows.differing { return try RootComparison(differing, rows.part, plan) }
            let heads = Heads(connection, feature: plan.id)
            return try RootComparison(
                heads.differing(rows.records, fingerprints: rows.part.fingerprints), rows.part, plan)
        }
        let compared = try compare(rows, found, connection)
        var appended: [Int] = []
        var fresh: [Bool] = []
        var appeared: [RecordID] = []
        var changes: [RecordChange] = []
        for (position, standing) in zip(found.positions, found.standings) {
            let record = rows.records[position]
            switch standing {
            case .none, .deleted:
                appeared.append(record)
                changes.append(RecordChange(appearance: record))
            case .live(let moves, let isSame):
                let metadata = compared[record]
                if isSame, metadata?.hasSameMetadata == true { continue }
                outcome.changed += 1
                let moves = found.moves[moves]
                let columns = metadata.map { moves.columns.union($0.moved) } ?? moves.columns
                if !moves.slots.isEmpty || !columns.isEmpty {
                    changes.append(RecordChange(record: record, slots: moves.slots, columns: columns))
                }
            }
            appended.append(position)
            if case .none = standing { fresh.append(true) } else { fresh.append(false) }
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
        _ rows: RootRows, _ found: RootComparison, _ connection: Connection
    ) throws(ServiceError) -> [RecordID: ComparedHead] {
        let doubtful = zip(found.positions, found.standings).filter { _, standing in
            guard case .live(_, let isSame) = standing else { return false }
            return !watched.isEmpty || isSame
        }.map(\.0)
        guard !doubtful.isEmpty else { return [:] }
        let metadata = doubtful.map { Array(rows.part.metadata[$0] ?? []) }
        return try stored { () throws(StoreError) in
            try Heads(connection, feature: plan.id)
                .compare(doubtful.map { rows.records[$0] }, metadata: metadata, watched: watched)
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
