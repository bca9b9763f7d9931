// The transaction in which records of a root are written.

import Feature
import Postgres
import Store

/// Rows with the ids of their records.
struct RootRows: Sendable {
    let part: RecordPart
    let records: [RecordID]
    /// For each row the request that it is of; none where all are of the first.
    var owners: [Int] = []
    /// What differs from what is stored; nil where that has yet to be found, under the locks of the write.
    var found: RootComparison?
    /// Numbers for the entries of what differs; none where these have yet to be drawn.
    var entries: [EntryID] = []

    /// The request that a row is of.
    func owner(_ row: Int) -> Int { owners.isEmpty ? 0 : owners[row] }
}

/// One write to a root, or several small ones, being carried out in one transaction.
struct RootWriting {
    private let plan: FeaturePlan
    /// Who writes: one for each request.
    private let writers: [Writer]
    /// The numbers of the changes, one for each request; none before the first rows.
    private var operations: [Int64] = []
    /// The transaction's time, where that is known before the first rows.
    private var writtenAt: Int64?
    /// Whether nobody else writes to the root meanwhile; otherwise the blocks of the records are locked.
    private let isAlone: Bool
    private let watched: [String]
    private var outcomes: [WriteOutcome]
    /// Records that are now as their source says, and units downstream that may need work.
    private var settled: [BlockAddress: BlockBits] = [:]
    private var marked: [BlockAddress: BlockBits] = [:]

    init(_ shape: RowShape, _ writers: [Writer], isAlone: Bool, _ scope: inout Scope) throws(ServiceError) {
        let plan = try scope.plan(shape.key)
        // A definition that has come back may have more slots than it had.
        guard plan.isRoot, plan.definition == shape.definition, plan.slots == shape.slotCount else {
            throw .conflict("the feature \(shape.key) was redefined while the rows were read; send them again")
        }
        let connection = scope.connection
        try stored { () throws(StoreError) in try RootLock(connection, feature: plan.id).enter(isAlone: isAlone) }
        self.plan = plan
        self.writers = writers
        self.isAlone = isAlone
        watched = scope.catalog.watched(of: plan.id)
        let nothing = WriteOutcome(featureVersion: plan.featureVersion, new: 0, changed: 0, unchanged: 0)
        outcomes = Array(repeating: nothing, count: writers.count)
        // Waits until it is alone: its rows are taken only then.
        if isAlone {
            (operations, writtenAt) = try stored { () throws(StoreError) in
                let lineage = VersionLog(connection, feature: plan.id)
                return try connection.ask(Operations.numbers(writers.count), lineage.opening())
            }
        }
    }

    /// Writes the rows that differ from what is stored.
    mutating func write(_ rows: RootRows, _ scope: inout Scope) throws(ServiceError) {
        let connection = scope.connection
        let plan = plan
        let found: RootComparison
        if let known = rows.found { found = known } else { found = try find(rows, &scope) }
        let compared = try compare(rows, found, connection)
        var appended: [Int] = []
        var fresh: [Bool] = []
        var places: [TupleID?] = []
        var appeared: [RecordID] = []
        var changes: [RecordChange] = []
        for (index, standing) in found.standings.enumerated() {
            let position = found.positions[index]
            let record = rows.records[position]
            switch standing {
            case .none, .deleted:
                outcomes[rows.owner(position)].new += 1
                appeared.append(record)
                changes.append(RecordChange(appearance: record))
            case .live(let moves, let isSame):
                let metadata = compared[record]
                if isSame, metadata?.hasSameMetadata == true { continue }
                outcomes[rows.owner(position)].changed += 1
                let moves = found.moves[moves]
                let columns = metadata.map { moves.columns.union($0.moved) } ?? moves.columns
                if !moves.slots.isEmpty || !columns.isEmpty {
                    changes.append(RecordChange(record: record, slots: moves.slots, columns: columns))
                }
            }
            appended.append(position)
            places.append(found.places[index])
            if case .none = standing { fresh.append(true) } else { fresh.append(false) }
        }
        countUnchanged(rows, but: appended)
        guard !appended.isEmpty else { return }
        var columns = columns(rows, appended, fresh)
        columns.places = places
        let numbers = writers.count == 1 ? operations : appended.map { operations[rows.owner($0)] }
        let drawn = writtenAt.flatMap { EntryNumbers(rows.entries, count: appended.count, writtenAt: $0) }
        try stored { [appeared, columns] () throws(StoreError) in
            try VersionLog(connection, feature: plan.id)
                .append(columns, kind: .written, definition: plan.definition, operations: numbers, numbers: drawn)
            try Presences(connection).update(plan.id, live: appeared, gone: [])
        }
        note(columns.records, of: plan.id, in: &settled)
        for mark in try scope.marks(changes, of: plan) { note(mark.units, of: mark.feature, in: &marked) }
    }

    /// Marks what the write touches, blocks in the one order in which everybody locks them.
    ///
    /// - Returns: what came of each request.
    mutating func finish(_ scope: inout Scope) throws(ServiceError) -> [WriteOutcome] {
        try scope.lock(Set(settled.keys).union(marked.keys))
        for (address, bits) in settled { scope.ledger.update(address) { $0.settle(bits) } }
        for (address, bits) in marked { scope.ledger.update(address) { $0.mark(bits) } }
        for outcome in outcomes { scope.tally.add(outcome, of: plan.id) }
        try scope.note(
            operations, writers, LoggedChange(.recordsWritten, feature: plan.id),
            outcomes.map { ChangeDetail.counts($0.detail) })
        return outcomes
    }

    /// Finds what differs from what is stored: where others write too, under the locks of the records' blocks.
    private mutating func find(_ rows: RootRows, _ scope: inout Scope) throws(ServiceError) -> RootComparison {
        let connection = scope.connection
        let question = Heads(connection, feature: plan.id)
            .differing(rows.records, fingerprints: rows.part.fingerprints)
        let differing: DifferingHeads
        if isAlone {
            differing = try stored { () throws(StoreError) in try connection.ask(question) }
        } else {
            (differing, operations) = try scope.lock(
                rows.records, of: plan.id, asking: question, Operations.numbers(writers.count))
        }
        return try stored { () throws(StoreError) in try RootComparison(differing, rows.part) }
    }

    private mutating func countUnchanged(_ rows: RootRows, but appended: [Int]) {
        for row in 0..<rows.part.count { outcomes[rows.owner(row)].unchanged += 1 }
        for row in appended { outcomes[rows.owner(row)].unchanged -= 1 }
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
        for (position, isFresh) in zip(positions, fresh) { versions.appendKey(isFresh ? position : nil, of: part.keys) }
        guard part.hasDataVersions else { return versions }
        versions.dataVersions = [ByteColumn](repeating: absent, count: plan.slots)
        for (field, values) in plan.fields.enumerated() {
            var column = ByteColumn()
            for (index, position) in positions.enumerated() {
                let value = part.provenance[field][position] ?? []
                let data = part.dataVersion(of: field, position).map { $0.bytes[$0.range] } ?? value
                column.append(data)
                if data != value { versions.isOverridden[index] = true }
            }
            versions.dataVersions[Int(values.slot) - 1] = column
        }
        return versions
    }
}
