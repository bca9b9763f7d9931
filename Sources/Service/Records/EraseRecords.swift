// Hard delete: the duty to erase.

public import Feature
import Postgres
public import Store

extension RecordService {
    /// Erases the records of a feature that pass every filter, soft-deleted ones too: each gets a tombstone, and every
    /// version before it loses its metadata, its provenance and its data versions. Nothing brings them back.
    ///
    /// Filters look at the latest version of a record; all versions of it are erased. That there were versions, when,
    /// by whom and what was made from them stays known, and so does the erasure. Results of claims that were handed out
    /// before are not stored.
    ///
    /// - Parameters:
    ///   - filters: none for all records.
    ///   - isDryRun: true to count only.
    /// - Returns: how many records are, or would be, erased.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records) to find them, O(versions) to erase them; one transaction.
    public func erase(
        _ key: FeatureKey, filters: [Filter], isDryRun: Bool, writer: Writer
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            var erasure = Erasure(plan: try transaction.plan(key), filters: filters)
            return try transaction.run(&erasure, isDryRun: isDryRun, writer)
        }
    }
}

/// Turns records into tombstones that carry nothing, and takes the payload out of their versions.
private struct Erasure: RecordRewrite {
    let plan: FeaturePlan
    let filters: [Filter]

    var change: LoggedChange { LoggedChange(.recordsErased, feature: plan.id) }
    var includesDeleted: Bool { true }

    /// The heads that pass and whose record has a payload.
    func choose(
        _ page: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [DescribedHead] {
        let passing = try transaction.passing(page, filters, plan)
        let holding = try stored { () throws(StoreError) in
            try ErasureTable(transaction.connection, feature: plan.id).holding(passing.map(\.head.record))
        }
        return passing.filter { holding.contains($0.head.record) }
    }

    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        try transaction.lock(chosen, of: plan)
    }

    mutating func rewrite(
        _ heads: [DescribedHead], _ change: inout PendingChange, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> Int {
        let operation = try change.begin(&transaction)
        let (connection, records) = (transaction.connection, heads.map(\.head.record))
        try transaction.bury(heads, plan, operation, erasing: true)
        do throws(StoreError) {
            try ErasureTable(connection, feature: plan.id).erase(records, operation: operation)
            // The error of a failed attempt may tell of the record's content.
            try FailureTable(connection, feature: plan.id).clear(records, &transaction.ledger)
        } catch {
            throw ServiceError(error)
        }
        try transaction.follow(records, of: plan, live: true, operation)
        return heads.count
    }
}
