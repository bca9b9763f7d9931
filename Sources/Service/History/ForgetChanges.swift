// Bounds the log of changes.

import Postgres
import Store

extension HistoryService {
    /// Ends the feed's reporting of changes that are older than `age`, and deletes those that nothing refers to.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: as `forgetChanges(madeBefore:)`.
    public func forgetChanges(olderThan age: Duration) async throws(ServiceError) {
        let moment = try await transactions.pool.withConnection { (connection) throws(ServiceError) -> Int64 in
            try stored { () throws(StoreError) in
                try ChangeHorizon(connection).moment(secondsAgo: age / .seconds(1))
            }
        }
        try await forgetChanges(madeBefore: moment)
    }

    /// Ends the feed's reporting of changes that were made before a moment, in the order of the feed up to the first later
    /// change. Deletes those of them that nothing refers to: no lineage entry has their number, and they had no lasting
    /// effect.
    ///
    /// In transactions of `TransactionLimits.changesForgottenStep` changes, `TransactionLimits.changesForgottenSteps` at most. Where another
    /// process does this already, the call returns 0.
    ///
    /// - Parameter moment: microseconds since 1970.
    /// - Returns: how many changes were forgotten.
    /// - Throws: `.unavailable`.
    /// - Complexity: O(changes made before that moment which were told until now).
    @discardableResult
    public func forgetChanges(madeBefore moment: Int64) async throws(ServiceError) -> Int {
        var forgotten = 0
        for _ in 0..<TransactionLimits.changesForgottenSteps {
            let step = try await transactions.pool.transaction { (connection) throws(ServiceError) -> ForgottenStep in
                try stored { () throws(StoreError) in try connection.forgetChanges(madeBefore: moment) }
            }
            forgotten += step.count
            guard step.isFull else { break }
        }
        return forgotten
    }
}

/// The result of one transaction.
private struct ForgottenStep: Sendable {
    /// How many changes were deleted.
    var count = 0
    /// Whether the transaction reached its limit, so that more may be left.
    var isFull = false
}

extension Connection {
    fileprivate func forgetChanges(madeBefore moment: Int64) throws(StoreError) -> ForgottenStep {
        let horizon = ChangeHorizon(self)
        guard let position = try horizon.enter() else { return ForgottenStep() }
        let bound = try ChangeLog(self).extent().bound
        let changes = try horizon.changes(after: position, before: bound, limit: TransactionLimits.changesForgottenStep)
        let passed = changes.prefix { $0.at < moment }
        guard let last = passed.last else { return ForgottenStep() }
        return ForgottenStep(
            count: try horizon.move(from: position, to: last.place, at: last.at),
            isFull: passed.count == TransactionLimits.changesForgottenStep)
    }
}
