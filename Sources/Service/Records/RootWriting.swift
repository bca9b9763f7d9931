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
    /// What that makes of them; nil where it takes a comparison of metadata.
    var change: RootChange?
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

    init(_ shape: RowShape, _ writers: [Writer], isAlone: Bool, _ transaction: inout ServiceTransaction)
        throws(ServiceError)
    {
        let plan = try transaction.plan(shape.key)
        // A definition that has come back may have more slots than it had.
        guard plan.isRoot, plan.definition == shape.definition, plan.slots == shape.slotCount else {
            throw .conflict("the feature \(shape.key) was redefined while the rows were read; send them again")
        }
        let connection = transaction.connection
        try stored { () throws(StoreError) in try RootLock(connection, feature: plan.id).enter(isAlone: isAlone) }
        self.plan = plan
        self.writers = writers
        self.isAlone = isAlone
        watched = transaction.catalog.watched(of: plan.id)
        let nothing = WriteOutcome(featureVersion: plan.featureVersion, new: 0, changed: 0, unchanged: 0)
        outcomes = Array(repeating: nothing, count: writers.count)
        // Waits until it is alone: its rows are taken only then.
        if isAlone {
            (operations, writtenAt) = try stored { () throws(StoreError) in
                let lineage = VersionLog(connection, feature: plan.id)
                return try connection.ask(ChangeLog.numbers(writers.count), lineage.opening())
            }
        }
    }

    /// Writes the rows that differ from what is stored.
    mutating func write(_ rows: RootRows, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        let (connection, plan) = (transaction.connection, plan)
        let change = try change(rows, &transaction)
        countOutcomes(rows, change)
        guard !change.positions.isEmpty else { return }
        let numbers =
            writers.count == 1 ? operations : change.positions.map { operations[rows.owner($0)] }
        let drawn = writtenAt.flatMap { EntryNumbers(rows.entries, count: change.positions.count, writtenAt: $0) }
        try stored { () throws(StoreError) in
            try VersionLog(connection, feature: plan.id).append(
                change.columns, kind: .written, definition: plan.definition, operations: numbers, numbers: drawn)
            try PresenceTable(connection).update(plan.id, live: change.appeared, gone: [])
        }
        note(change.columns.records, of: plan.id, in: &settled)
        for mark in try DownstreamMarks(change.moves, of: plan, &transaction).units {
            note(mark.units, of: mark.feature, in: &marked)
        }
    }

    /// Marks what the write touches, blocks in the one order in which everybody locks them.
    ///
    /// - Returns: what came of each request.
    mutating func finish(_ transaction: inout ServiceTransaction) throws(ServiceError) -> [WriteOutcome] {
        try transaction.lock(Set(settled.keys).union(marked.keys))
        for (address, bits) in settled { transaction.ledger.update(address) { $0.markUpToDate(bits) } }
        for (address, bits) in marked { transaction.ledger.update(address) { $0.mark(bits) } }
        for outcome in outcomes { transaction.tally.add(outcome, of: plan.id) }
        try transaction.note(
            operations, writers, LoggedChange(.recordsWritten, feature: plan.id),
            outcomes.map { ChangeDetail.counts($0.detail) })
        return outcomes
    }

    /// Finds what differs from what is stored: where others write too, under the locks of the records' blocks.
    private mutating func find(_ rows: RootRows, _ transaction: inout ServiceTransaction) throws(ServiceError)
        -> RootComparison
    {
        let connection = transaction.connection
        let question = HeadTable(connection, feature: plan.id)
            .differing(rows.records, fingerprints: rows.part.fingerprints)
        let differing: DifferingHeads
        if isAlone {
            differing = try stored { () throws(StoreError) in try connection.ask(question) }
        } else {
            (differing, operations) = try transaction.lock(
                rows.records, of: plan.id, asking: question, ChangeLog.numbers(writers.count))
        }
        return try stored { () throws(StoreError) in try RootComparison(differing, rows.part) }
    }

    /// What the rows change: as it was found out beside this, where metadata need not be compared.
    private mutating func change(_ rows: RootRows, _ transaction: inout ServiceTransaction) throws(ServiceError)
        -> RootChange
    {
        if watched.isEmpty, let change = rows.change { return change }
        let found: RootComparison
        if let known = rows.found { found = known } else { found = try find(rows, &transaction) }
        return RootChange(rows, found, compared: try compare(rows, found, transaction.connection))
    }

    private mutating func countOutcomes(_ rows: RootRows, _ change: RootChange) {
        for row in 0..<rows.part.count { outcomes[rows.owner(row)].unchanged += 1 }
        for (row, isNew) in zip(change.positions, change.isNew) {
            let owner = rows.owner(row)
            outcomes[owner].unchanged -= 1
            if isNew { outcomes[owner].new += 1 } else { outcomes[owner].changed += 1 }
        }
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
        let doubtful = found.live(areSame: watched.isEmpty)
        guard !doubtful.isEmpty else { return [:] }
        let metadata = doubtful.map { Array(rows.part.metadata[$0] ?? []) }
        return try stored { () throws(StoreError) in
            try HeadTable(connection, feature: plan.id)
                .compare(doubtful.map { rows.records[$0] }, metadata: metadata, watched: watched)
        }
    }
}
