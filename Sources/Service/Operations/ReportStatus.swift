// The status of each feature: its records, its work, and when that will be finished.

public import Feature
import Postgres
import Store

/// The status of a feature.
public struct FeatureStatus: Sendable, Hashable {
    /// The feature and its project.
    public let key: FeatureKey, project: String
    /// Its live records.
    public let records: Int
    /// Units that may be handed out, and units in the hands of workers.
    public let pending: Int, claimed: Int
    /// Units that wait for their inputs, or for a decision about an orphaned record.
    public let blocked: Int
    /// Units that failed: those that are tried again, and those that are quarantined.
    public let failing: Int, quarantined: Int
    /// The share of expected units that are up to date, in percent; nil where none is expected.
    public let progress: Double?
    /// The age of the oldest unit that can be handed out, in seconds; nil where there is none.
    public let oldestPendingAge: Double?
    /// Units finished a second, over the last ten minutes.
    public let rate: Double
    /// The seconds for each unit in the last claims whose workers reported a time; nil where none did.
    public let secondsPerUnit: Double?
    /// The seconds until all pending and claimed units are finished at this rate; nil where there are none or the rate is 0.
    public let estimatedSeconds: Double?
}

extension OperationService {
    /// The status of each feature of the current graph, upstream before downstream.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: eight round trips; O(features + failures + blocks with something to do).
    public func status() async throws(ServiceError) -> [FeatureStatus] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let summaries = try FeatureSummary.all(transaction.visible.features, transaction)
            let activities = OutcomeQueries(transaction.connection)
            let (activity, now) = try stored { () throws(StoreError) in
                (try activities.read(), try activities.now())
            }
            let ids = summaries.map { transaction.catalog.units(of: $0.key)?.id ?? 0 }
            let paces = try stored { () throws(StoreError) in try ComputeRates(transaction.connection).read(ids) }
            return zip(ids, summaries).map { id, summary in
                FeatureStatus(summary, activity[id] ?? OutcomeCounts(feature: id), pace: paces[id], now: now)
            }
        }
    }
}

extension FeatureStatus {
    fileprivate init(_ summary: FeatureSummary, _ activity: OutcomeCounts, pace: Double?, now: Int64) {
        let counts = summary.counts
        secondsPerUnit = pace
        key = summary.key
        project = summary.project
        records = counts.records
        pending = counts.pending
        claimed = counts.claimed
        failing = activity.failing
        quarantined = activity.quarantined
        blocked = max(0, counts.parked - activity.failing - activity.quarantined)
        oldestPendingAge = counts.oldestPending.map { Double(max(0, now - $0)) / 1e6 }
        rate = Double(activity.finished) / Double(OutcomeQueries.windowSeconds)
        let open = counts.pending + counts.claimed + counts.parked
        progress = counts.units == 0 ? nil : Double(counts.units - open) / Double(counts.units) * 100
        let left = counts.pending + counts.claimed
        estimatedSeconds = left > 0 && rate > 0 ? Double(left) / rate : nil
    }
}
