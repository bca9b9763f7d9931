// Decides which versions nothing needs.

public import Feature
public import Postgres

/// Versions to keep although nothing needs them. A version is dropped only where no rule keeps it.
public struct RetentionRule: Hashable, Sendable {
    /// The newest versions of each record; nil for none.
    public var versions: Int?
    /// What was current at this moment or later, microseconds since 1970; nil for no such rule.
    public var since: Int64?

    /// Keeps the newest `versions` and what was current `since`.
    public init(versions: Int?, since: Int64?) {
        self.versions = versions
        self.since = since
    }
}

/// Counts of the versions that nothing needs.
public struct SupersededCount: Hashable, Sendable {
    /// How many versions, and how many others there are.
    public var dropped = 0, kept = 0
    /// When the last of them stopped being current, microseconds since 1970; nil where none ever was.
    public var until: Int64?
    /// The entry that made it so.
    public var next: EntryID?

    /// Nothing.
    public init() {}
}

/// Finds the versions of a feature that are superseded and of no use. The result is in tables that only the transaction
/// sees: it creates them and drops them (`discard`). They are unlogged, not temporary, so that a role needs no right to
/// make temporary tables. The transaction is one of REPEATABLE READ: it sees one moment.
///
/// Needed, whatever the rule says: the current version of each record, tombstones too; what a tombstone would be
/// restored to; all that these of the feature or of any feature downstream were made from, directly or not, also by
/// definitions of before; what active claims have handed out; and before a rebased version the one that it stands for, by
/// which a later rebase sees whether data moved.
public struct DroppableVersions {
    private let connection: Connection

    /// The versions seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Finds what nothing of `features` needs of the lineage of one that they follow from.
    ///
    /// - Parameters:
    ///   - storages: where the lineage of the feature is: its own, and of an expansion that of its units.
    ///   - rule: what is kept besides.
    ///   - bound: the entry below which to look; nil for no bound.
    /// - Returns: what was found; the versions are in tables until `discard`, which the transaction calls before it ends.
    /// - Throws: `.database`.
    /// - Complexity: O(versions) of the feature and of all downstream; a round trip for each of them and level.
    public func find(
        in storages: [FeatureID], _ rule: RetentionRule, below bound: EntryID? = nil
    ) throws(StoreError) -> SupersededCount {
        try findNeeded(Surroundings(of: storages, try edges()))
        var count = SupersededCount()
        for storage in storages {
            let found = try find(in: storage, rule, below: bound)
            count.dropped += found.dropped
            count.kept += found.kept
            count.until = [count.until, found.until].compactMap(\.self).max()
            count.next = [count.next, found.next].compactMap(\.self).max()
        }
        return count
    }

    /// Drops the tables that `find` has made.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func discard(_ storages: [FeatureID]) throws(StoreError) {
        try script("DROP TABLE \((["retention_needed"] + storages.map(Self.table)).joined(separator: ", "))")
    }

    /// The table that has the entries of a feature that are of no use.
    static func table(_ feature: FeatureID) -> String { "superseded_\(feature)" }

    // MARK: - What others need

    /// Which feature depends on which, by any definition there ever was.
    private func edges() throws(StoreError) -> [(upstream: FeatureID, downstream: FeatureID)] {
        try connection.rows(.named("superseded_edges")) { row throws(PostgresError) in
            (try row.int4(0), try row.int4(1))
        }
    }

    /// Follows what is current, and what is handed out, back to what it was made from. Current versions need no note.
    private func findNeeded(_ around: Surroundings) throws(StoreError) {
        try script("CREATE UNLOGGED TABLE retention_needed (entry bigint NOT NULL, depth integer NOT NULL)")
        let current = around.upstreams.map { "SELECT entry FROM head_\($0)" }.joined(separator: " UNION ALL ")
        let isNews = """
            p.entry <> 0 AND NOT EXISTS (SELECT FROM (\(current)) h WHERE h.entry = p.entry)
                AND NOT EXISTS (SELECT FROM retention_needed n WHERE n.entry = p.entry)
            """
        try script(
            """
            INSERT INTO retention_needed SELECT DISTINCT p.entry, 0
            FROM claim c JOIN claim_batch b ON b.claim_id = c.id CROSS JOIN unnest(b.parents) AS p (entry)
            WHERE c.state = 0 AND \(isNews)
            """)
        for feature in around.downstreams {
            try script(
                """
                INSERT INTO retention_needed SELECT DISTINCT p.entry, 0
                FROM (
                    SELECT l.parents FROM head_\(feature) h
                    JOIN lineage_\(feature) l ON l.rid = h.rid AND l.entry = h.entry WHERE l.parents IS NOT NULL
                    UNION ALL
                    SELECT b.parents FROM head_\(feature) h CROSS JOIN LATERAL (
                        SELECT l.parents FROM lineage_\(feature) l
                        WHERE l.rid = h.rid AND \(Self.isRestorable) ORDER BY l.entry DESC LIMIT 1) b
                    WHERE h.state = 1
                ) s CROSS JOIN LATERAL unnest(s.parents) AS p (entry)
                WHERE \(isNews)
                """)
        }
        var depth = 0
        while try isAnyNeeded(at: depth) {
            for feature in around.downstreams {
                try script(
                    """
                    INSERT INTO retention_needed SELECT DISTINCT p.entry, \(depth + 1)
                    FROM retention_needed f JOIN lineage_\(feature) l ON l.entry = f.entry
                    CROSS JOIN LATERAL unnest(l.parents) AS p (entry)
                    WHERE f.depth = \(depth) AND \(isNews)
                    """)
            }
            depth += 1
        }
        try script("ANALYZE retention_needed")
    }

    private func isAnyNeeded(at depth: Int) throws(StoreError) -> Bool {
        let statement = Statement.named("superseded_depth")
        return try connection.row(statement, [.int4(Int32(depth))]) { row throws(PostgresError) in try row.bool(0) }
            ?? false
    }

    // MARK: - What is of no use

    private func find(
        in feature: FeatureID, _ rule: RetentionRule, below bound: EntryID?
    ) throws(StoreError) -> SupersededCount {
        let table = Self.table(feature)
        try script("CREATE UNLOGGED TABLE \(table) (entry bigint, until timestamptz, next bigint)")
        let parameters: [Parameter] = [
            rule.versions.map { .int8(Int64($0)) } ?? .null, rule.since.map(Parameter.timestamp) ?? .null,
            bound.map { .int8($0) } ?? .null,
        ]
        try connection.run(Statement.named("superseded_find", feature: feature), parameters)
        try script("ANALYZE \(table)")
        let summary = Statement.named("superseded_count", feature: feature)
        let count = try connection.row(summary) { row throws(PostgresError) in
            var count = SupersededCount()
            count.dropped = Int(try row.int8(0))
            count.kept = Int(try row.int8(1)) - count.dropped
            (count.until, count.next) = (try row.timestampOrNil(2), try row.int8OrNil(3))
            return count
        }
        return count ?? SupersededCount()
    }

    /// Whether a version `l` is one that a tombstone can be restored to.
    private static let isRestorable = """
        l.kind NOT IN (\(LineageKind.deleted.rawValue), \(LineageKind.late.rawValue)) AND l.provenance IS NOT NULL
        """

    private func script(_ sql: String) throws(StoreError) {
        do { try connection.script(sql) } catch { throw StoreError(error) }
    }
}

/// What is around a feature, by edges from upstream to downstream.
private struct Surroundings {
    /// The feature and all that follows from it.
    private(set) var downstreams: [FeatureID]
    /// Those, and what they follow from directly.
    let upstreams: [FeatureID]

    init(of features: [FeatureID], _ edges: [(upstream: FeatureID, downstream: FeatureID)]) {
        let following = Dictionary(grouping: edges, by: \.upstream).mapValues { $0.map(\.downstream) }
        var found = Set(features)
        downstreams = features
        var next = 0
        while next < downstreams.count {
            for feature in following[downstreams[next]] ?? [] where found.insert(feature).inserted {
                downstreams.append(feature)
            }
            next += 1
        }
        upstreams = found.union(edges.filter { found.contains($0.downstream) }.map(\.upstream)).sorted()
    }
}
