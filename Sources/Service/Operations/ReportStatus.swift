// Reports how far the work on each feature is.

public import Feature
import Postgres
import Store

/// How far the work on a feature is.
public struct FeatureStatus: Sendable, Hashable {
    /// The feature and its project.
    public let key: FeatureKey, project: String
    /// Its live records.
    public let records: Int
    /// Units that may be handed out, and units in the hands of workers.
    public let pending: Int, claimed: Int
    /// Units that need something else first: inputs that are not settled, or a decision about what is orphaned.
    public let blocked: Int
    /// Units put aside after a failure: to be tried again, and not.
    public let failing: Int, quarantined: Int
    /// How much of what is known to be expected is as it should be, in percent; nil where nothing is.
    public let progress: Double?
    /// For how long something could have been handed out, in seconds; nil where nothing can.
    public let oldestPendingAge: Double?
    /// Units finished a second, over the last ten minutes.
    public let rate: Double
    /// Seconds that a unit took in the last claims for which workers said so; nil where none did.
    public let secondsPerUnit: Double?
    /// Seconds until everything pending and claimed is finished at that rate; nil where nothing is or none moves.
    public let estimatedSeconds: Double?
}

extension OperationService {
    /// How far the work on each feature of the current graph is, upstream before downstream.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: eight round trips; O(features + failures + blocks with something to do).
    public func status() async throws(ServiceError) -> [FeatureStatus] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let summaries = try transaction.summaries(transaction.visible)
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
