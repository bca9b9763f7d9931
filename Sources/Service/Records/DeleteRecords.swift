// Soft delete and restore.

public import Feature
import Postgres
public import Store

extension RecordService {
    /// Soft-deletes the live records of a feature that pass every filter: each gets a tombstone, and what depends on
    /// it is judged again.
    ///
    /// A derived record stays suppressed until its inputs change, or until it is restored or written.
    ///
    /// - Parameters:
    ///   - filters: none for all records.
    ///   - isDryRun: true to count only.
    /// - Returns: how many records are, or would be, deleted.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records) to find them; one transaction.
    public func delete(
        _ key: FeatureKey, filters: [Filter], isDryRun: Bool, writer: Writer
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            var deletion = Deletion(plan: try transaction.plan(key), filters: filters)
            return try transaction.run(&deletion, isDryRun: isDryRun, writer)
        }
    }

    /// Lifts the soft deletes of a feature's records that pass every filter.
    ///
    /// - Returns: how many records live again.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records) to find them; one transaction.
    public func restore(
        _ key: FeatureKey, filters: [Filter], writer: Writer
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            var restoration = Restoration(plan: try transaction.plan(key), filters: filters)
            return try transaction.run(&restoration, isDryRun: false, writer)
        }
    }
}

/// Turns live records into tombstones.
private struct Deletion: RecordRewrite {
    let plan: FeaturePlan
    let filters: [Filter]

    var change: LoggedChange { LoggedChange(.recordsDeleted, feature: plan.id) }
    var includesDeleted: Bool { false }

    func choose(
        _ page: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [DescribedHead] {
        try transaction.passing(page.filter(\.head.isLive), filters, plan)
    }

    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        try transaction.lock(chosen, of: plan)
    }

    mutating func rewrite(
        _ heads: [DescribedHead], _ change: inout PendingChange, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> Int {
        let operation = try change.begin(&transaction)
        try transaction.bury(heads, plan, operation)
        try transaction.follow(heads.map(\.head.record), of: plan, live: true, operation)
        return heads.count
    }
}

/// Turns tombstones into live records.
private struct Restoration: RecordRewrite {
    let plan: FeaturePlan
    let filters: [Filter]

    var change: LoggedChange { LoggedChange(.recordsRestored, feature: plan.id) }
    var includesDeleted: Bool { true }

    /// Tombstones that have something to restore: nothing is left of an erased record.
    func choose(
        _ page: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [DescribedHead] {
        let tombstones = page.filter { !$0.head.isLive }
        let holding = try stored { () throws(StoreError) in
            try ErasureTable(transaction.connection, feature: plan.id).holding(tombstones.map(\.head.record))
        }
        return try transaction.passing(tombstones.filter { holding.contains($0.head.record) }, filters, plan)
    }

    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        try transaction.lock(chosen, of: plan)
    }

    mutating func rewrite(
        _ heads: [DescribedHead], _ change: inout PendingChange, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> Int {
        let operation = try change.begin(&transaction)
        try transaction.revive(heads, plan, operation)
        try transaction.follow(heads.map(\.head.record), of: plan, live: false, operation)
        return heads.count
    }
}
