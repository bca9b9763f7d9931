// Figures for metrics: what the database holds, and what this process has done.

public import Feature
import Postgres
public import Store

/// The figures of a feature.
public struct FeatureFigures: Sendable, Hashable {
    /// The feature and its project.
    public let key: FeatureKey, project: String
    /// Its live records.
    public let records: Int
    /// Units that may be handed out, and units in the hands of workers.
    public let pending: Int, claimed: Int
    /// Units that need something else first.
    public let blocked: Int
    /// Units put aside after a failure: to be tried again, and not.
    public let failing: Int, quarantined: Int
    /// The age of the oldest unit that can be handed out, in seconds; 0 where there is none.
    public let oldestPendingAge: Double
}

/// The contents of the database at one moment, in figures.
public struct StoredFigures: Sendable, Hashable {
    /// The features of the current graph, upstream before downstream.
    public let features: [FeatureFigures]
    /// The tables, by name.
    public let tables: [TableFigures]
    /// The database as a whole.
    public let database: DatabaseState
}

/// Counts of what this process has done to records, by feature and event.
public struct DoneFigures: Sendable, Hashable {
    /// The feature and its project.
    public let key: FeatureKey, project: String
    /// How often each thing happened since the start.
    public let counts: [WorkEvent: Int]

    /// Figures of these values.
    public init(key: FeatureKey, project: String, counts: [WorkEvent: Int]) {
        self.key = key
        self.project = project
        self.counts = counts
    }
}

extension OperationService {
    /// The contents of the database; nil where it does not answer within `TransactionLimits.figuresPatience`.
    ///
    /// - Complexity: eight round trips; O(features + failures + blocks with something to do + tables): no record is read.
    public func storedFigures() async -> StoredFigures? {
        await within(TransactionLimits.figuresPatience) { [self] () -> StoredFigures? in
            do throws(ServiceError) {
                return try await transactions.read { (transaction) throws(ServiceError) in
                    try Self.figures(transaction)
                }
            } catch {
                return nil
            }
        } ?? nil
    }

    /// What this process has done to the features of its copy of the current graph, by key.
    public var doneFigures: [DoneFigures] {
        guard let catalog = transactions.catalogs.known else { return [] }
        var done: [FeatureKey: DoneFigures] = [:]
        for (feature, counts) in tallies.sum.counts {
            // The units of an expansion have counts of their own, under the same key.
            guard let key = catalog[feature]?.key, let project = catalog.graph.members[key]?.project else { continue }
            let sum = (done[key]?.counts ?? [:]).merging(counts) { $0 + $1 }
            done[key] = DoneFigures(key: key, project: project, counts: sum)
        }
        return done.values.sorted { $0.key < $1.key }
    }

    private static func figures(_ transaction: ServiceTransaction) throws(ServiceError) -> StoredFigures {
        let summaries = try FeatureSummary.all(transaction.visible.features, transaction)
        let (connection, catalog) = (transaction.connection, transaction.catalog)
        return try stored { () throws(StoreError) in
            let failures = try OutcomeQueries(connection).failures()
            let now = try OutcomeQueries(connection).now()
            let database = DatabaseFigures(connection)
            let features = summaries.map { summary in
                let failure = failures[catalog.units(of: summary.key)?.id ?? 0]
                return FeatureFigures(
                    summary, failing: failure?.failing ?? 0, quarantined: failure?.quarantined ?? 0, now)
            }
            return StoredFigures(features: features, tables: try database.tables(), database: try database.state())
        }
    }
}

extension FeatureFigures {
    fileprivate init(_ summary: FeatureSummary, failing: Int, quarantined: Int, _ now: Int64) {
        let counts = summary.counts
        key = summary.key
        project = summary.project
        records = counts.records
        pending = counts.pending
        claimed = counts.claimed
        self.failing = failing
        self.quarantined = quarantined
        blocked = max(0, counts.parked - failing - quarantined)
        oldestPendingAge = counts.oldestPending.map { Double(max(0, now - $0)) / 1e6 } ?? 0
    }
}
