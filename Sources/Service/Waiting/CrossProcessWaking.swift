// Wakes tasks that wait for work in other processes, by NOTIFY, and in this one when others notify it.

import Feature
public import Postgres
import Store

/// Wakes tasks that wait for work, in every process that serves the database.
public struct CrossProcessWaking: Sendable {
    let transactions: TransactionRunner
    let waiters: Waiters
    let notices: UnsentNotices

    /// The channels to listen on for `follow`.
    public static let channels = [WorkNotice.channel]

    /// Notifies other processes of work that was committed here, at once but at most every
    /// `TransactionLimits.noticeInterval`. Runs until the task is cancelled. A process runs it once.
    public func announce() async {
        for await _ in notices.signals {
            let work = notices.take()
            do throws(ServiceError) {
                let notice = WorkNotice(origin: notices.origin, work: work)
                try await transactions.pool.withConnection { (connection) throws(ServiceError) in
                    try stored { () throws(StoreError) in try notice.send(connection) }
                }
            } catch {
                // Sent again when the database is back. Until then other processes find the work when they look.
                notices.add(work)
            }
            do { try await Task.sleep(for: TransactionLimits.noticeInterval) } catch { return }
        }
    }

    /// Wakes tasks here for work that other processes report, and all tasks where a notice may have been missed. Runs until
    /// `events` ends or the task is cancelled.
    ///
    /// - Parameter events: the events of a listener on `channels`.
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

    /// Wakes, for each feature, the first task that waits for work of which no notice came, or that became due by itself.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: no round trip where no task waits; otherwise one transaction, however many wait.
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
