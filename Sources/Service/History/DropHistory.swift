// Drops superseded versions of records that no rule keeps and that nothing needs.

public import Feature
import Postgres
public import Store

/// The outcome of a retention.
public struct RetentionOutcome: Hashable, Sendable {
    /// The dropped and the remaining versions. For an expansion, they include those of its units.
    public let dropped: Int, kept: Int
    /// All versions that were current at this moment or later are kept: microseconds since 1970; nil where none was ever
    /// dropped.
    public let horizon: Int64?
}

extension HistoryService {
    /// Drops superseded versions of a feature's records that no rule keeps and that nothing needs (`DroppableVersions`).
    ///
    /// Everybody goes on meanwhile. Readers and writers of the feature wait three times for as long as a change of the
    /// catalog takes, some milliseconds; where somebody uses the lineage for long, for a tenth of a second at a time, until
    /// that has ended or `tries` are up. Broken off at any moment, nothing is lost: what it leaves is taken away a minute
    /// later.
    ///
    /// - Parameters:
    ///   - versions: the newest so many versions of each record are kept; 1 or more; nil for no such rule.
    ///   - days: what was current so many days ago or later is kept; nil for no such rule.
    ///   - isDryRun: true to count only.
    ///   - tries: how often to try to get locks that others hold.
    /// - Throws: `.featureNotFound`; `.conflict` where another retention runs in this database, or somebody uses the
    ///   lineage for longer than this waits; `.unavailable`.
    /// - Complexity: O(versions) of the feature and of all features downstream, on one connection.
    public func retain(
        _ key: FeatureKey, versions: Int?, days: Int?, isDryRun: Bool, writer: Writer,
        tries: Int = TransactionLimits.retentionTries
    ) async throws(ServiceError) -> RetentionOutcome {
        let storages = try await transactions.read { (transaction) throws(ServiceError) in
            let plan = try transaction.plan(key)
            return [plan.id] + (plan.units.map { [$0] } ?? [])
        }
        // A session holds its lock until it leaves, which a cancelled one could not do. So it continues without its caller.
        let running = Task { [transactions] () async -> Result<RetentionOutcome, ServiceError> in
            do throws(ServiceError) {
                return .success(
                    try await transactions.pool.withConnection {
                        (connection) throws(ServiceError) -> RetentionOutcome in
                        let run = RetentionRun(connection, storages, writer, tries: tries)
                        return try connection.retain(run, versions: versions, days: days, isDryRun: isDryRun)
                    })
            } catch {
                return .failure(error)
            }
        }
        let outcome = try await running.value.get()
        if outcome.dropped > 0, !isDryRun { readers.wakeAll() }
        return outcome
    }

    /// Removes the tables that an interrupted retention has left, unless a retention runs.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: four round trips where there is nothing.
    public func cleanRetentions() async throws(ServiceError) {
        try await transactions.pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                let retentions = RetentionRuns(connection)
                guard try retentions.enter() else { return }
                // A session that is lost has left by that.
                defer { try? retentions.leave() }
                try retentions.clean()
            }
        }
    }
}

extension Connection {
    /// Runs a retention as the only one of the database.
    fileprivate func retain(
        _ run: RetentionRun, versions: Int?, days: Int?, isDryRun: Bool
    ) throws(ServiceError) -> RetentionOutcome {
        let retentions = RetentionRuns(self)
        guard try stored({ () throws(StoreError) in try retentions.enter() }) else {
            throw .conflict("history is being dropped by another request; ask again when that is done")
        }
        // A session that is lost has left by that, and what is left behind is taken away by another one.
        defer { try? retentions.leave() }
        do {
            _ = try stored { () throws(StoreError) in try retentions.clean() }
            let rule = try run.rule(versions: versions, days: days)
            let outcome = try run.find(rule)
            return isDryRun || outcome.dropped == 0 ? outcome : try run.drop(rule)
        } catch {
            // What fails here as well is left to the housekeeping of all servers; the caller wants to know the first failure.
            _ = try? retentions.clean()
            throw error
        }
    }
}

/// One retention on a session of its own.
private struct RetentionRun {
    private let connection: Connection
    private let storages: [FeatureID]
    private let writer: Writer
    private let tries: Int
    private let retentions: RetentionRuns

    init(_ connection: Connection, _ storages: [FeatureID], _ writer: Writer, tries: Int) {
        self.connection = connection
        self.tries = tries
        self.storages = storages
        self.writer = writer
        retentions = RetentionRuns(connection)
    }

    func rule(versions: Int?, days: Int?) throws(ServiceError) -> RetentionRule {
        guard let days else { return RetentionRule(versions: versions, since: nil) }
        let moment = try stored { () throws(StoreError) in
            try ChangeHorizon(connection).moment(secondsAgo: Double(days) * 86_400)
        }
        return RetentionRule(versions: versions, since: moment)
    }

    /// Counts the versions that would be dropped.
    func find(_ rule: RetentionRule) throws(ServiceError) -> RetentionOutcome {
        try connection.transaction(isolation: .repeatableRead) { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                try retentions.limitWaiting()
                let versions = DroppableVersions(connection)
                let found = try versions.find(in: storages, rule)
                try versions.discard(storages)
                return try outcome(found)
            }
        }
    }

    /// Drops the versions.
    func drop(_ rule: RetentionRule) throws(ServiceError) -> RetentionOutcome {
        var bounds: [EntryID] = []
        for storage in storages { bounds.append(try close(storage)) }
        let built = try build(rule, below: bounds)
        try waitForReaders(asOfBefore: built.transaction.own)
        for (storage, number) in zip(storages, built.numbers) {
            try stored { () throws(StoreError) in
                try LineageParts(connection, feature: storage).vacuum(built: number)
            }
        }
        return try locking { () throws(StoreError) in try exchange(built, below: bounds) }
    }

    /// Closes the present parts of a storage to writers.
    ///
    /// - Returns: the entry below which nothing is written any more.
    private func close(_ storage: FeatureID) throws(ServiceError) -> EntryID {
        let parts = LineageParts(connection, feature: storage)
        let newest = try stored { () throws(StoreError) in try parts.all()[parts.all().count - 1] }
        let bound = try locking { () throws(StoreError) in try parts.gate(newest) }
        try locking { () throws(StoreError) in try parts.close(newest) }
        try locking { () throws(StoreError) in try parts.roll(newest, at: bound) }
        return bound
    }

    private func build(_ rule: RetentionRule, below bounds: [EntryID]) throws(ServiceError) -> BuiltTables {
        try connection.transaction(isolation: .repeatableRead) { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                try retentions.limitWaiting()
                let transaction = try retentions.transaction()
                // The bound of the storage that was closed first lies below the others: what came to the others since
                // is not closed for long, and stays.
                let versions = DroppableVersions(connection)
                let found = try versions.find(in: storages, rule, below: bounds[0])
                var numbers: [Int32] = []
                for (storage, bound) in zip(storages, bounds) {
                    numbers.append(try LineageParts(connection, feature: storage).build(below: bound))
                }
                try versions.discard(storages)
                return BuiltTables(found: found, numbers: numbers, transaction: transaction)
            }
        }
    }

    private func exchange(_ built: BuiltTables, below bounds: [EntryID]) throws(StoreError) -> RetentionOutcome {
        for (index, storage) in storages.enumerated() {
            let parts = LineageParts(connection, feature: storage)
            try parts.exchange(
                parts.all().dropLast(), below: bounds[index], forBuilt: built.numbers[index],
                erasedSince: built.transaction.oldest)
        }
        if let at = built.found.until, let entry = built.found.next {
            try retentions.raise(storages, to: LineageHorizon(at: at, entry: entry))
        }
        let counts = ChangeDetail.counts(["dropped": built.found.dropped, "kept": built.found.kept])
        try ChangeLog(connection).begin(
            writer, LoggedChange(.historyDropped, feature: storages[0], detail: counts))
        return try outcome(built.found)
    }

    private func outcome(_ found: SupersededCount) throws(StoreError) -> RetentionOutcome {
        let known = try retentions.horizons(of: [storages[0]])[storages[0]]?.at
        return RetentionOutcome(
            dropped: found.dropped, kept: found.kept, horizon: [known, found.until].compactMap(\.self).max())
    }

    /// Waits until no transaction reads as of a moment before the new tables were built.
    private func waitForReaders(asOfBefore transaction: String) throws(ServiceError) {
        for _ in 0..<tries {
            let isAnyone = try stored { () throws(StoreError) in
                try retentions.pause()
                return try retentions.isAnyoneBehind(transaction)
            }
            guard isAnyone else { return }
        }
        throw Self.inUse
    }

    /// Runs a transaction that needs locks which others may hold for long, with retries. Transactions that come meanwhile
    /// wait behind each try for a tenth of a second.
    private func locking<T: Sendable>(_ body: () throws(StoreError) -> T) throws(ServiceError) -> T {
        for _ in 0..<tries {
            do {
                return try connection.transaction { (_) throws(StoreError) -> T in
                    try retentions.limitWaiting()
                    return try body()
                }
            } catch .database(let error)
                where error.code == .server(.lockNotAvailable) || error.code == .server(.deadlockDetected)
            {
                try stored { () throws(StoreError) in try retentions.pause() }
            } catch {
                throw ServiceError(error)
            }
        }
        throw Self.inUse
    }

    private static let inUse = ServiceError.conflict(
        "somebody reads or writes the lineage of this feature for a long time; nothing was dropped, ask again later")
}

/// The new tables, which have the remaining versions.
private struct BuiltTables: Sendable {
    /// The versions that they lack.
    let found: SupersededCount
    /// Their numbers, by storage.
    let numbers: [Int32]
    /// The transaction that built them, and the oldest one that ran at that time.
    let transaction: (own: String, oldest: String)
}
