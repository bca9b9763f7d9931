// The tables that hold the lineage of a feature: a closed one with what is older, and one that takes new entries.

public import Feature
public import Postgres

/// Exchanges tables of the lineage of one feature, so that history can be dropped without a DELETE.
///
/// Entries are numbered by one sequence, and tables of a feature's lineage are bounded by entries. So that a table can be
/// closed without looking through it under a lock, its bound is chosen ahead of the sequence (`gate`), checked while
/// writers go on (`close`), and then the sequence is moved there (`roll`). What is closed is never written again, and can be
/// copied at leisure. Names are built from integers alone.
///
/// Everything here is for one run at a time in a database: see `RetentionRuns.enter`.
public struct LineageParts {
    /// A table of the lineage.
    public struct Part: Hashable, Sendable {
        /// Its number.
        public let number: Int32
        /// The least entry that belongs into it; nil for the first.
        public let first: EntryID?
    }

    /// How far ahead of the sequence a bound is chosen: at 100,000 versions a second the sequence comes there after 12
    /// hours, and after two million runs an entry still fits the 2^53 that JSON readers keep exactly.
    static let ahead: Int64 = 1 << 32

    private let connection: Connection
    private let feature: FeatureID

    /// The lineage of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The tables, in the order of their entries: the last one takes the new ones.
    ///
    /// - Throws: `.database`; `.corrupt` where there is none.
    /// - Complexity: one round trip.
    public func all() throws(StoreError) -> [Part] {
        let parts = try connection.rows(.named("part_all"), [.int4(feature)]) { row throws(PostgresError) in
            Part(number: try row.int4(0), first: try row.int8OrNil(1))
        }
        guard !parts.isEmpty else { throw .corrupt("feature \(feature) has no table of lineage") }
        return parts
    }

    /// Lets no entry into the newest table that is not below a bound far ahead of the sequence. Waits for writers of
    /// the feature, and keeps others waiting for as long; the caller bounds that.
    ///
    /// - Returns: the bound.
    /// - Throws: `.database`.
    /// - Complexity: three round trips, independent of the size.
    public func gate(_ part: Part) throws(StoreError) -> EntryID {
        let bound = try connection.row(.named("part_bound"), [.int8(Self.ahead)]) { row throws(PostgresError) in
            try row.int8(0)
        }
        guard let bound else { throw .corrupt("there is no sequence of entries") }
        let least = part.first.map { "entry >= \($0) AND " } ?? ""
        try script(
            "ALTER TABLE \(name(part)) ADD CONSTRAINT \(name(part))_gate CHECK (\(least)entry < \(bound)) NOT VALID")
        return bound
    }

    /// Looks through a gated table, so that its bound needs no look under a lock. Writers go on.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(entries).
    public func close(_ part: Part) throws(StoreError) {
        try script("ALTER TABLE \(name(part)) VALIDATE CONSTRAINT \(name(part))_gate")
    }

    /// Closes a table for good: later entries go into a new one. Waits for everybody who uses the lineage of the feature.
    ///
    /// - Parameter bound: from `gate`.
    /// - Throws: `.database`.
    /// - Complexity: two round trips, independent of the size.
    public func roll(_ part: Part, at bound: EntryID) throws(StoreError) {
        let next = Part(number: try free(), first: bound)
        let least = part.first.map { "(\($0))" } ?? "(MINVALUE)"
        try script(
            """
            ALTER TABLE lineage_\(feature) DETACH PARTITION \(name(part));
            ALTER TABLE lineage_\(feature) ATTACH PARTITION \(name(part)) FOR VALUES FROM \(least) TO (\(bound));
            ALTER TABLE \(name(part)) DROP CONSTRAINT \(name(part))_gate;
            \(Self.creation(feature, part: next.number));
            ALTER TABLE \(name(next)) ADD PRIMARY KEY (rid, entry);
            ALTER TABLE lineage_\(feature) ATTACH PARTITION \(name(next)) FOR VALUES FROM (\(bound)) TO (MAXVALUE);
            REVOKE UPDATE, DELETE, TRUNCATE ON \(name(next)) FROM CURRENT_USER;
            INSERT INTO lineage_part (feature_id, part, first_entry) VALUES (\(feature), \(next.number), \(bound));
            SELECT setval('lineage_entry_sequence', \(bound));
            """)
    }

    /// Makes a table of what stays of all closed ones: all but what `DroppableVersions` has found to be of no use.
    ///
    /// - Returns: the number of the table, which is not attached yet.
    /// - Throws: `.database`.
    /// - Complexity: two round trips; O(entries).
    public func build(below bound: EntryID) throws(StoreError) -> Int32 {
        let number = try free()
        let table = "lineage_\(feature)_\(number)"
        try script(
            """
            \(Self.creation(feature, part: number));
            INSERT INTO \(table) SELECT l.* FROM lineage_\(feature) l
            WHERE l.entry < \(bound) AND NOT EXISTS (SELECT FROM \(DroppableVersions.table(feature)) s WHERE s.entry = l.entry);
            ALTER TABLE \(table) ADD PRIMARY KEY (rid, entry), ADD CONSTRAINT \(table)_gate CHECK (entry < \(bound));
            """)
        return number
    }

    /// Sets the statistics of a table that was built, and what spares later readers a look at each row's visibility.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip, outside of a transaction; O(entries).
    public func vacuum(built number: Int32) throws(StoreError) {
        try script("VACUUM (ANALYZE) lineage_\(feature)_\(number)")
    }

    /// Puts a table that was built in the place of the closed ones, and drops those. Waits for everybody who uses the
    /// lineage of the feature.
    ///
    /// - Parameters:
    ///   - closed: what `build` has read.
    ///   - transaction: where erasures begin that `build` may not have seen.
    /// - Throws: `.database`.
    /// - Complexity: two round trips; O(versions erased since).
    public func exchange(
        _ closed: [Part], below bound: EntryID, forBuilt number: Int32, erasedSince transaction: String
    ) throws(StoreError) {
        let table = "lineage_\(feature)_\(number)"
        // From here on nobody else uses the lineage of the feature.
        try script(closed.map { "ALTER TABLE lineage_\(feature) DETACH PARTITION \(name($0))" }.joined(separator: ";"))
        let erased = closed.map { "SELECT rid, entry FROM \(name($0)) WHERE provenance IS NULL" }
        let erase = Statement(
            "part_erase",
            """
            UPDATE \(table) n SET provenance = NULL, data_version = NULL, metadata = NULL
            FROM erasure e JOIN (\(erased.joined(separator: " UNION ALL "))) l ON l.rid = e.rid
            WHERE e.feature_id = \(feature) AND e.transaction >= $1::text::xid8
                AND n.rid = l.rid AND n.entry = l.entry AND n.provenance IS NOT NULL
            """, prepare: false)
        try connection.run(erase, [.text(transaction)])
        try script(
            """
            ALTER TABLE lineage_\(feature) ATTACH PARTITION \(table) FOR VALUES FROM (MINVALUE) TO (\(bound));
            ALTER TABLE \(table) DROP CONSTRAINT \(table)_gate;
            REVOKE UPDATE, DELETE, TRUNCATE ON \(table) FROM CURRENT_USER;
            DROP TABLE \(closed.map(name).joined(separator: ", "));
            DELETE FROM lineage_part WHERE feature_id = \(feature) AND first_entry IS DISTINCT FROM \(bound);
            INSERT INTO lineage_part (feature_id, part) VALUES (\(feature), \(number));
            """)
    }

    /// The statement that creates a table like the lineage of a feature, without an index, for rows to be filled in.
    static func creation(_ feature: FeatureID, part: Int32) -> String {
        """
        CREATE TABLE lineage_\(feature)_\(part) (LIKE lineage_\(feature) INCLUDING ALL)
            WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.05)
        """
    }

    /// A number that no table of the feature has.
    private func free() throws(StoreError) -> Int32 { (try all().map(\.number).max() ?? -1) + 1 }

    private func name(_ part: Part) -> String { "lineage_\(feature)_\(part.number)" }

    private func script(_ sql: String) throws(StoreError) {
        do { try connection.script(sql) } catch { throw StoreError(error) }
    }
}
