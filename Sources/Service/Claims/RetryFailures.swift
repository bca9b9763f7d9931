// Lists what failed, and lets it be tried again.

public import Feature
import JSON
import Postgres
public import Store

/// A unit that failed.
public struct FailedRecord: Sendable {
    /// The values of its id columns.
    public let key: RecordKey
    /// How and when it failed.
    public let failure: Failure
}

/// A page of failures.
public struct FailurePage: Sendable {
    /// The feature.
    public let plan: FeaturePlan
    /// The failures in the order of record ids.
    public let records: [FailedRecord]
    /// The record after which the next page begins; nil at the end.
    public let next: RecordID?
}

extension FailureService {
    /// A page of a feature's failing and quarantined units.
    ///
    /// - Parameters:
    ///   - after: the last record of the page before, -1 for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: four round trips; O(limit).
    public func list(
        of key: FeatureKey, after: RecordID, limit: Int
    ) async throws(ServiceError) -> FailurePage {
        try await transactions.read { (transaction) throws(ServiceError) in
            let plan = try transaction.unitPlan(key)
            let found = try stored { () throws(StoreError) in
                try FailureTable(transaction.connection, feature: plan.id).page(after: after, limit: limit + 1)
            }
            let page = Array(found.prefix(limit))
            let keys = try FailedUnits(transaction: transaction, plan: plan).keys(page.map(\.record))
            let records = page.compactMap { failure in
                keys[failure.record].map { FailedRecord(key: $0, failure: failure) }
            }
            return FailurePage(plan: plan, records: records, next: found.count > limit ? page.last?.record : nil)
        }
    }

    /// Makes failing and quarantined units candidates again at once, and resets their attempts.
    ///
    /// - Parameter filters: conditions on the id columns and the columns that a worker would be given; none for all.
    /// - Returns: how many units.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(failures); one transaction.
    public func retry(
        _ key: FeatureKey, filters: [Filter], writer: Writer = Writer()
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            let plan = try transaction.unitPlan(key)
            let failures = FailureTable(transaction.connection, feature: plan.id)
            var count = 0
            var after: RecordID = -1
            while true {
                let page = try stored { () throws(StoreError) in
                    try failures.page(after: after, limit: TransactionLimits.writeRowsStep).map(\.record)
                }
                guard let last = page.last else { break }
                after = last
                let chosen = try FailedUnits(transaction: transaction, plan: plan).passing(page, filters)
                try transaction.lock(chosen, of: plan.id)
                do throws(StoreError) {
                    try failures.clear(chosen, &transaction.ledger)
                } catch {
                    throw ServiceError(error)
                }
                count += chosen.count
            }
            if count > 0 {
                try transaction.begin(
                    writer,
                    LoggedChange(
                        .failuresRetried, feature: plan.id, detail: ChangeDetail.counts(["records": count])))
            }
            return count
        }
    }
}

/// Looks up failed units of a feature.
private struct FailedUnits {
    let transaction: ServiceTransaction
    let plan: FeaturePlan

    func keys(
        _ records: [RecordID]
    ) throws(ServiceError) -> [RecordID: RecordKey] {
        guard !records.isEmpty else { return [:] }
        return try stored { () throws(StoreError) in
            try RecordIDTable(transaction.connection, space: plan.space).keys(of: records)
        }
    }

    /// The units whose row, as a worker gets it, passes every filter.
    func passing(
        _ units: [RecordID], _ filters: [Filter]
    ) throws(ServiceError) -> [RecordID] {
        guard !filters.isEmpty else { return units }
        var evaluator = transaction.evaluator
        let judged = try stored { () throws(StoreError) in try evaluator.judge(plan, units) }
        let records = try IncrementDescriber(transaction).describe(
            plan, units.compactMap { unit in judged[unit].map { (unit, $0) } })
        var passing: [RecordID] = []
        for record in records {
            var values: [String: JSONValue] = [:]
            for column in record.columns {
                do {
                    values[column.name] = try JSONValue(parsing: column.value)
                } catch {
                    throw .internal("the column \(column.name) of a record is not JSON")
                }
            }
            for (column, value) in zip(plan.spec.idColumns, record.key.values) { values[column] = value.json }
            if FilteredRow(values).passes(filters) { passing.append(record.record) }
        }
        return passing
    }
}
