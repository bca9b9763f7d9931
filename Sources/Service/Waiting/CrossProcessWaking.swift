// Waking those who wait, in every process that serves the database.

import Feature
public import Postgres
import Store

/// Wakes tasks that wait for work, in every process that serves the database.
public struct CrossProcessWaking: Sendable {
    let transactions: TransactionRunner
    let waiters: Waiters
    let notices: UnsentNotices

    /// The channels of the listener whose events `follow` takes.
    public static let channels = [WorkNotice.channel]

    /// Tells other processes about work that turned up here, once it is committed: at once, and at most every
    /// `Limits.noticeInterval`. Runs until the task is cancelled; once in a process.
    public func announce() async {
        for await _ in notices.signals {
            let work = notices.take()
            do throws(ServiceError) {
                let notice = WorkNotice(origin: notices.origin, work: work)
                try await transactions.pool.withConnection { (connection) throws(ServiceError) in
                    try stored { () throws(StoreError) in try notice.send(connection) }
                }
            } catch {
                // Told again when the database is back; until then others find it by looking.
                notices.add(work)
            }
            do { try await Task.sleep(for: Limits.noticeInterval) } catch { return }
        }
    }

    /// Wakes those who wait here for work that other processes tell of, and everyone once where notices may have been
    /// missed. Runs until `events` ends or the task is cancelled.
    ///
    /// - Parameter events: of a listener on `channels`.
    public func follow(_ events: AsyncStream<ListenerEvent>) async {
        for await event in events {
            switch event {
            case .listening, .reconnected, .overflowed: waiters.wakeAll()
            case .notification(_, let payload):
                let notice = WorkNotice(payload: payload)
                guard notice.origin != notices.origin else { continue }
                waiters.wake(notice.work ?? Self.some(of: waiters.features))
            }
        }
    }

    /// Wakes those who wait for work that nobody told of, or that has become due by itself: the first of each feature.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: nothing where nobody waits; otherwise one transaction, however many wait.
    public func wakeWaiters() async throws(ServiceError) {
        let features = waiters.features
        guard !features.isEmpty else { return }
        let ready = try await transactions.read { (transaction) throws(ServiceError) in
            try stored { () throws(StoreError) in
                try WorkOutlook(transaction.connection).withWork(among: features.sorted())
            }
        }
        waiters.wake(Self.some(of: Set(ready)))
    }

    private static func some(of features: Set<FeatureID>) -> [FeatureID: ReadyWork] {
        Dictionary(uniqueKeysWithValues: features.map { ($0, ReadyWork.some) })
    }
}
