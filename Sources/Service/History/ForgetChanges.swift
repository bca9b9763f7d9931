// Bounds the log of changes.

import Postgres
import Store

extension HistoryService {
    /// Tells no more of changes that were made longer ago, and forgets those of them that leave nothing behind.
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

    /// Tells no more of changes that were made before a moment, in the order of the feed up to the first that was made
    /// later, and forgets those of them that leave nothing behind: no lineage entry has their number, and nobody did
    /// anything that lasts.
    ///
    /// In transactions of `Limits.changesForgottenStep` changes, `Limits.changesForgottenSteps` at most. Where another
    /// process is at it, that one does the work.
    ///
    /// - Parameter moment: microseconds since 1970.
    /// - Returns: how many changes were forgotten.
    /// - Throws: `.unavailable`.
    /// - Complexity: O(changes made before that moment which were told until now).
    @discardableResult
    public func forgetChanges(madeBefore moment: Int64) async throws(ServiceError) -> Int {
        var forgotten = 0
        for _ in 0..<Limits.changesForgottenSteps {
            let step = try await transactions.pool.transaction { (connection) throws(ServiceError) -> ForgottenStep in
                try stored { () throws(StoreError) in try connection.forgetChanges(madeBefore: moment) }
            }
            forgotten += step.count
            guard step.isFull else { break }
        }
        return forgotten
    }
}

/// What one transaction has forgotten.
private struct ForgottenStep: Sendable {
    /// How many changes.
    var count = 0
    /// Whether it has done as much as one does, so that more may be left.
    var isFull = false
}

extension Connection {
    fileprivate func forgetChanges(madeBefore moment: Int64) throws(StoreError) -> ForgottenStep {
        let horizon = ChangeHorizon(self)
        guard let place = try horizon.enter() else { return ForgottenStep() }
        let bound = try ChangeLog(self).extent().bound
        let changes = try horizon.changes(after: place, before: bound, limit: Limits.changesForgottenStep)
        let passed = changes.prefix { $0.at < moment }
        guard let last = passed.last else { return ForgottenStep() }
        return ForgottenStep(
            count: try horizon.move(from: place, to: last.place, at: last.at),
            isFull: passed.count == Limits.changesForgottenStep)
    }
}
