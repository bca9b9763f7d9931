// RequestTimings of features and of the database.

import Feature
import Service
import Store

extension MetricsPage {
    private typealias Labels = [(String, String)]

    /// Features that get series of their own. Those beyond, by key, are summed under the feature `""`, so that a graph of any
    /// size costs a scraper a bounded number of series.
    static let featuresMax = 1_000

    /// What this process did to records, of each feature to which it did something.
    mutating func done(_ all: [DoneFigures]) {
        let done = Self.bounded(all.map { (Self.labels($0.project, $0.key), $0.counts) }) { first, second in
            first.merging(second) { $0 + $1 }
        }
        events(
            "metaxy_records_written_total", "Records that clients wrote, by what that changed.", "outcome", done,
            [(.new, "new"), (.changed, "changed"), (.unchanged, "unchanged")])
        events("metaxy_records_computed_total", "Units whose results workers reported.", nil, done, [(.computed, "")])
        events(
            "metaxy_records_skipped_total",
            "Units that a change upstream or of the code might have touched, and that were not computed again.",
            "reason", done,
            [
                (.unusedFields, "unused_fields"), (.asExpected, "as_expected"), (.earlierVersion, "earlier_version"),
            ])
        events(
            "metaxy_records_failed_total", "Units that workers reported as failed.", nil, done, [(.failed, "")])
        events("metaxy_claims_created_total", "Claims handed out.", nil, done, [(.claimed, "")])
        events(
            "metaxy_claims_expired_total", "Claims whose lease ran out before their worker was done.", nil, done,
            [(.expired, "")])
    }

    /// Whether the database told within time what follows.
    mutating func isDatabaseUp(_ isUp: Bool) {
        gauge("metaxy_database_up", "Whether the database answered this scrape in time.", isUp ? 1 : 0)
    }

    /// What the database holds: the same from every process that shares it.
    mutating func stored(_ stored: StoredFigures) {
        let keys = stored.features.sorted { $0.key < $1.key }
        let features = Self.bounded(keys.map { (Self.labels($0.project, $0.key), Backlog($0)) }) { $0 + $1 }
        backlog("metaxy_records", "Live records.", features) { $0.records }
        backlog("metaxy_units_pending", "Units that can be handed out.", features) { $0.pending }
        backlog("metaxy_units_claimed", "Units in the hands of workers.", features) { $0.claimed }
        backlog("metaxy_units_blocked", "Units that need something else first.", features) { $0.blocked }
        backlog("metaxy_units_failing", "Units that failed and will be tried again.", features) { $0.failing }
        backlog("metaxy_units_quarantined", "Units that failed too often.", features) { $0.quarantined }
        let age = "metaxy_oldest_pending_age_seconds"
        family(age, "gauge", "For how long something could have been handed out; 0 where nothing can.")
        for (labels, feature) in features { sample(age, labels, Self.number(feature.oldestPendingAge)) }
        tables(stored.tables)
        database(stored.database)
    }

    private mutating func tables(_ tables: [TableFigures]) {
        table("metaxy_table_bytes", "Bytes of a table's rows.", tables, \.tableBytes)
        table("metaxy_table_index_bytes", "Bytes of a table's indexes.", tables, \.indexBytes)
        table("metaxy_table_rows", "Rows of a table, estimated.", tables, \.liveRows)
        table("metaxy_table_dead_rows", "Rows that wait for vacuum, estimated.", tables, \.deadRows)
    }

    private mutating func database(_ state: DatabaseState) {
        gauge("metaxy_database_connections", "Connections to the database server, of everybody.", state.connections)
        gauge("metaxy_database_connections_max", "Connections that it allows.", state.connectionsMax)
        gauge("metaxy_database_standbys", "Standbys that stream from the database.", state.standbys)
        if let bytes = state.lagBytes {
            gauge("metaxy_database_replication_lag_bytes", "How far the slowest standby is behind.", Int(bytes))
        }
        family(
            "metaxy_database_oldest_transaction_seconds", "gauge",
            "Age of the oldest transaction, which keeps vacuum from removing rows.")
        sample(
            "metaxy_database_oldest_transaction_seconds", [], Self.number(state.oldestTransactionSeconds))
        gauge(
            "metaxy_database_frozen_age_transactions", "Transactions since the oldest one that is not frozen.",
            Int(state.frozenAge))
    }

    private mutating func events(
        _ name: String, _ help: String, _ label: String?, _ done: [(Labels, [WorkEvent: Int])],
        _ events: [(event: WorkEvent, value: String)]
    ) {
        family(name, "counter", help)
        for (labels, counts) in done {
            for (event, value) in events {
                let all = label.map { labels + [($0, value)] } ?? labels
                sample(name, all, String(counts[event] ?? 0))
            }
        }
    }

    private mutating func backlog(
        _ name: String, _ help: String, _ features: [(Labels, Backlog)], _ value: (Backlog) -> Int
    ) {
        family(name, "gauge", help)
        for (labels, feature) in features { sample(name, labels, String(value(feature))) }
    }

    private mutating func table(
        _ name: String, _ help: String, _ tables: [TableFigures], _ value: (TableFigures) -> Int64
    ) {
        family(name, "gauge", help)
        for table in tables { sample(name, [("table", table.name)], String(value(table))) }
    }

    private static func labels(_ project: String, _ key: FeatureKey) -> Labels {
        [("project", project), ("feature", key.description)]
    }

    /// The first `featuresMax`, and the sum of the others.
    private static func bounded<T>(_ features: [(Labels, T)], _ add: (T, T) -> T) -> [(Labels, T)] {
        guard features.count > featuresMax, let next = features.dropFirst(featuresMax).first else { return features }
        let rest = features.dropFirst(featuresMax + 1).reduce(next.1) { add($0, $1.1) }
        return features.prefix(featuresMax) + [([("project", ""), ("feature", "")], rest)]
    }
}

/// What is to be done for a feature, or for several together.
private struct Backlog {
    let records: Int, pending: Int, claimed: Int, blocked: Int, failing: Int, quarantined: Int
    let oldestPendingAge: Double

    init(_ feature: FeatureFigures) {
        self.init(
            records: feature.records, pending: feature.pending, claimed: feature.claimed, blocked: feature.blocked,
            failing: feature.failing, quarantined: feature.quarantined, oldestPendingAge: feature.oldestPendingAge)
    }

    private init(
        records: Int, pending: Int, claimed: Int, blocked: Int, failing: Int, quarantined: Int, oldestPendingAge: Double
    ) {
        self.records = records
        self.pending = pending
        self.claimed = claimed
        self.blocked = blocked
        self.failing = failing
        self.quarantined = quarantined
        self.oldestPendingAge = oldestPendingAge
    }

    static func + (left: Backlog, right: Backlog) -> Backlog {
        Backlog(
            records: left.records + right.records, pending: left.pending + right.pending,
            claimed: left.claimed + right.claimed, blocked: left.blocked + right.blocked,
            failing: left.failing + right.failing, quarantined: left.quarantined + right.quarantined,
            oldestPendingAge: max(left.oldestPendingAge, right.oldestPendingAge))
    }
}
