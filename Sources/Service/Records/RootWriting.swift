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
    /// The rows that differ from the stored versions; nil where these are yet to be found, under the locks of the write.
    var found: RootComparison?
    /// The change that these make; nil where metadata has to be compared first.
    var change: RootChange?
    /// Numbers for the entries of what differs; none where these have yet to be drawn.
    var entries: [EntryID] = []

    /// The request that a row is of.
    func owner(_ row: Int) -> Int { owners.isEmpty ? 0 : owners[row] }
}

/// One write to a root, or several small ones, being carried out in one transaction.
struct RootWriting {
    private let plan: FeaturePlan
    /// The writers, one for each request.
    private let writers: [Writer]
    /// The numbers of the changes, one for each request; none before the first rows.
    private var operations: [Int64] = []
    /// The transaction's time, where that is known before the first rows.
    private var writtenAt: Int64?
    /// Whether this is a long write, alone on the root. A short write locks the blocks of its records.
    private let isAlone: Bool
    private let watched: [String]
    private var outcomes: [WriteOutcome]
    /// Records that are now as their source says.
    private var settled: [BlockAddress: BlockBits] = [:]
    private let access: WriteAccess

    init(_ shape: RowShape, _ writers: [Writer], isAlone: Bool, _ transaction: inout ServiceTransaction)
        throws(ServiceError)
    {
        let plan = try transaction.plan(shape.key)
        // A definition that has come back may have more slots than it had.
        guard plan.isRoot, plan.definition == shape.definition, plan.slots == shape.slotCount else {
            throw .conflict("the feature \(shape.key) was redefined while the rows were read; send them again")
        }
        let connection = transaction.connection
        let access = try transaction.enter(plan, isAlone: isAlone)
        self.access = access
        self.plan = plan
        self.writers = writers
        self.isAlone = isAlone
        watched = transaction.catalog.watched(of: plan.id)
        let nothing = WriteOutcome(featureVersion: plan.featureVersion, new: 0, changed: 0, unchanged: 0)
        outcomes = Array(repeating: nothing, count: writers.count)
        // Waits until it is alone: its rows are taken only then.
        if isAlone {
            (operations, writtenAt) = try stored { () throws(StoreError) in
                let lineage = LineageAppend(connection, access)
                return try connection.ask(ChangeLog.numbers(writers.count), lineage.opening())
            }
        }
    }

    /// Writes the rows that differ from what is stored.
    mutating func write(_ rows: RootRows, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        let (connection, plan, access) = (transaction.connection, plan, access)
        let change = try change(rows, &transaction)
        countOutcomes(rows, change)
        guard !change.positions.isEmpty else { return }
        let numbers =
            writers.count == 1 ? operations : change.positions.map { operations[rows.owner($0)] }
        let drawn = writtenAt.flatMap { EntryNumbers(rows.entries, count: change.positions.count, writtenAt: $0) }
        transaction.presence.note(access, live: change.appeared, gone: [])
        try stored { () throws(StoreError) in
            try LineageAppend(connection, access).append(
                change.columns, kind: .written, definition: plan.definition, operations: numbers, numbers: drawn)
        }
        settled.merge(BlockAddress.group(change.columns.records, of: plan.id)) { $0 | $1 }
        try transaction.propagate(change.moves, of: plan)
    }

    /// Notes that the records are as their source says. The units downstream are marked when the transaction ends.
    ///
    /// - Returns: the outcome of each request.
    mutating func finish(_ transaction: inout ServiceTransaction) throws(ServiceError) -> [WriteOutcome] {
        try transaction.lock(Set(settled.keys))
        for (address, bits) in settled { transaction.ledger.update(address) { $0.markUpToDate(bits) } }
        for outcome in outcomes { transaction.tally.add(outcome, of: plan.id) }
        try transaction.note(
            operations, writers, LoggedChange(.recordsWritten, feature: plan.id),
            outcomes.map { ChangeDetail.counts($0.detail) })
        return outcomes
    }

    /// Finds the rows that differ from the stored versions; a short write under the locks of the records' blocks.
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

    /// The change that the rows make. Where metadata need not be compared, another session has made it.
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
}

extension RootWriting {
    /// Compares the metadata of rows with the stored metadata, where their versions are equal or where a feature downstream watches
    /// columns.
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
