// The sections of an archive: which tables they hold, how rows become lines and lines rows.

/// A part of an archive: rows of one table, each a JSON object on a line of its own.
///
/// Rows are made and read by the database itself (`to_json`, `json_populate_record`): each column's value comes back as
/// it was, and a column that a migration adds is in the archive by itself. Tables that are in no section: secrets of
/// tokens; what was handed out with leases, which end; answers, which are kept for a day; what the migrator notes.
struct ArchiveSection: Hashable {
    /// The table, or what of it.
    let name: String
    /// The id space or the number of the feature whose partition it is.
    let partition: Int32?
    /// A SELECT of one text column: a JSON object for each row.
    let select: String
    /// Writes the rows of `$1`, a `text[]` of lines, as many as there are lines; nil for what is done at the end.
    let insert: String?

    /// All rows of a table as they are.
    private init(_ table: String, partition: Int32? = nil, row: String = "to_json(t)", order: String = "") {
        let stored = partition.map { "\(table)_\($0)" } ?? table
        self.init(
            table, partition: partition, select: "SELECT \(row)::text FROM \(stored) t \(order)",
            insert: "INSERT INTO \(stored) OVERRIDING SYSTEM VALUE SELECT r.* FROM \(Self.rows(of: stored))")
    }

    private init(_ name: String, partition: Int32? = nil, select: String, insert: String?) {
        (self.name, self.partition, self.select, self.insert) = (name, partition, select, insert)
    }

    private static func rows(of table: String) -> String {
        "unnest($1::text[]) AS u (line), json_populate_record(NULL::\(table), u.line::json) AS r"
    }

    /// Who is who: all that the numbers in the other sections stand for.
    static let registry: [ArchiveSection] = [
        ArchiveSection("id_space"),
        ArchiveSection("project"),
        // Features and definitions refer to each other: the features come first, what is current of them after both.
        ArchiveSection("feature", row: "(to_jsonb(t) - 'current_definition')", order: "ORDER BY id"),
        ArchiveSection("dispatch"),
        ArchiveSection("field"),
        ArchiveSection("definition"),
        ArchiveSection(
            "current_definition",
            select: """
                SELECT json_build_object('id', id, 'current_definition', current_definition)::text FROM feature
                WHERE current_definition IS NOT NULL ORDER BY id
                """,
            insert: """
                UPDATE feature f SET current_definition = r.current_definition FROM \(rows(of: "feature"))
                WHERE f.id = r.id
                """),
        ArchiveSection("push"),
        // The base of positions belongs to the transaction ids of one database: see `ChangeLog.align`.
        ArchiveSection(
            "registry", select: "SELECT json_build_object('revision', revision)::text FROM registry",
            insert: "UPDATE registry g SET revision = r.revision FROM \(rows(of: "registry"))"),
        // Names and scopes, without `api_token_secret`: whoever gets an archive gets in nowhere.
        ArchiveSection("api_token"),
    ]

    /// The records of an id space.
    static func records(of space: Int32) -> ArchiveSection { ArchiveSection("record", partition: space) }

    /// The lineage and the heads of a feature or of its units.
    static func versions(of storage: Int32) -> [ArchiveSection] {
        [ArchiveSection("lineage", partition: storage), ArchiveSection("head", partition: storage)]
    }

    /// Leases end with the archive: what was in the hands of workers is to be done again, and their claims have expired. A
    /// worker that reports such a claim to the new database is told so; nothing is computed by two who both count.
    static let state: [ArchiveSection] = [
        ArchiveSection("presence"),
        ArchiveSection("presence_count"),
        ArchiveSection(
            "work",
            row: """
                (to_jsonb(t) || jsonb_build_object(
                    'dirty', dirty | leased, 'leased', leased & ~leased))
                """),
        ArchiveSection(
            "ready_block",
            select: """
                SELECT json_build_object('since', coalesce(r.since, now()), 'feature_id', w.feature_id, 'block', w.block)::text
                FROM work w LEFT JOIN ready_block r ON r.feature_id = w.feature_id AND r.block = w.block
                WHERE bit_count(w.dirty | w.leased) > 0 ORDER BY w.feature_id, w.block
                """,
            insert: "INSERT INTO ready_block SELECT r.* FROM \(rows(of: "ready_block"))"),
        ArchiveSection("link"),
        ArchiveSection("failure"),
        ArchiveSection(
            "claim",
            row: """
                (to_jsonb(t) || CASE WHEN state = 0 THEN jsonb_build_object('state', 3, 'finished_at', now())
                    ELSE '{}' END)
                """),
        ArchiveSection("operation"),
        // The tables that hold the lineage are those of the database that it comes to.
        ArchiveSection("lineage_horizon"),
        // A transaction id of this database would let a transaction of that number in the other one erase, too.
        ArchiveSection("erasure", row: "(to_jsonb(t) || '{\"transaction\": \"0\"}')"),
        ArchiveSection(
            "drain_watch", select: "SELECT to_json(t)::text FROM drain_watch t",
            insert: """
                UPDATE drain_watch d SET position = r.position, operation_id = r.operation_id
                FROM \(rows(of: "drain_watch"))
                """),
        ArchiveSection("draining"),
        ArchiveSection(
            "feed_horizon", select: "SELECT to_json(t)::text FROM feed_horizon t",
            insert: """
                UPDATE feed_horizon h SET at = r.at, position = r.position, operation_id = r.operation_id
                FROM \(rows(of: "feed_horizon"))
                """),
        // Read after everything else and no part of the snapshot: never less than what the rows have of them.
        ArchiveSection(
            "sequence",
            select: """
                SELECT json_build_object('name', sequencename, 'last_value', coalesce(last_value, 0))::text
                FROM pg_sequences WHERE schemaname = current_schema()
                    AND (last_value IS NOT NULL OR sequencename = 'fencing_token_sequence')
                ORDER BY sequencename
                """,
            insert: nil),
    ]
}
