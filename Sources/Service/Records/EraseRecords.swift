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
            let plan = try transaction.plan(key)
            let connection = transaction.connection
            var operation: Int64?
            var count = 0
            var after: RecordID = -1
            while true {
                let page = try stored { () throws(StoreError) in
                    try HeadTable(connection, feature: plan.id).page(
                        after: after, limit: TransactionLimits.writeRowsStep, deleted: true)
                }
                guard let last = page.last else { break }
                after = last.head.record
                let chosen = try transaction.erasable(page, filters, plan)
                guard !isDryRun, !chosen.isEmpty else {
                    count += chosen.count
                    continue
                }
                let number =
                    if let operation {
                        operation
                    } else {
                        try transaction.begin(writer, LoggedChange(.recordsErased, feature: plan.id))
                    }
                operation = number
                count += try transaction.erase(chosen.map(\.head.record), filters, plan, number)
            }
            if let operation { try transaction.complete(operation, ["records": count]) }
            return count
        }
    }
}

extension ServiceTransaction {
    /// The heads that pass and whose record has a payload.
    fileprivate func erasable(
        _ page: [DescribedHead], _ filters: [Filter], _ plan: FeaturePlan
    ) throws(ServiceError) -> [DescribedHead] {
        let passing = try passing(page, filters, plan)
        let holding = try stored { () throws(StoreError) in
            try ErasureTable(connection, feature: plan.id).holding(passing.map(\.head.record))
        }
        return passing.filter { holding.contains($0.head.record) }
    }

    /// Erases those of `records` that still pass under the lock.
    ///
    /// - Returns: how many.
    fileprivate mutating func erase(
        _ records: [RecordID], _ filters: [Filter], _ plan: FeaturePlan, _ operation: Int64
    ) throws(ServiceError) -> Int {
        let units = try childUnits(records, plan)
        try lock(records, of: plan.id)
        let connection = connection
        let current = try stored { () throws(StoreError) in
            try HeadTable(connection, feature: plan.id).describe(records)
        }
        let chosen = try erasable(records.compactMap { current[$0] }, filters, plan)
        guard !chosen.isEmpty else { return 0 }
        try bury(chosen, plan, operation, erasing: true)
        try stored { () throws(StoreError) in
            try ErasureTable(connection, feature: plan.id).erase(chosen.map(\.head.record), operation: operation)
            // The error of a failed attempt may tell of the record's content.
            try FailureTable(connection, feature: plan.id).clear(chosen.map(\.head.record))
        }
        if let units { try follow(units, live: true, operation) }
        return chosen.count
    }
}
