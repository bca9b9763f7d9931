// The heads of a feature: the latest version of each record.

public import Feature
public import Postgres

/// A head with the metadata columns of its entry.
public struct DescribedHead: Sendable {
    /// The head.
    public let head: Head
    /// The metadata columns, a JSON object.
    public let metadata: [UInt8]
}

/// A head compared with the metadata columns of a new version.
public struct ComparedHead: Sendable {
    /// The head.
    public let head: Head
    /// Whether all metadata columns are the same.
    public let hasSameMetadata: Bool
    /// Which of the watched columns differ.
    public let moved: Set<String>

    /// A head of which this is known.
    public init(head: Head, hasSameMetadata: Bool, moved: Set<String>) {
        self.head = head
        self.hasSameMetadata = hasSameMetadata
        self.moved = moved
    }
}

/// Reads the heads of one feature.
///
/// A list of records is `(SELECT $1)` in its statements, so that the planner takes it for a short one whatever its length, and
/// looks each record up instead of walking through a whole table (docs/decisions/0014).
public struct HeadTable {
    private let connection: Connection
    private let feature: FeatureID

    /// The heads of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The heads of `records`, live or soft-deleted.
    ///
    /// - Returns: by record id; a record without a version is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each id, or a walk along their range where most ids of it are
    ///   wanted.
    public func read(_ records: [RecordID]) throws(StoreError) -> [RecordID: Head] {
        let walk = RecordWalk(records)
        let columns = "h.rid, h.entry, h.definition_id, h.state, h.provenance, h.data_version"
        let statement =
            walk == nil
            ? Statement(
                "head_read_\(feature)",
                "SELECT \(columns) FROM unnest((SELECT $1::bigint[])) AS u (rid) JOIN head_\(feature) h ON h.rid = u.rid"
            )
            : Statement(
                "head_walk_\(feature)", "SELECT \(columns) FROM head_\(feature) h WHERE h.rid >= $1 AND h.rid <= $2")
        var heads: [RecordID: Head] = [:]
        do {
            let rows = try connection.query(
                statement, walk.map { [.int8($0.first), .int8($0.last)] } ?? [.int8Array(records)])
            heads.reserveCapacity(rows.count)
            for row in rows {
                if let walk, !walk.contains(try row.int8(0)) { continue }
                let head = try Self.head(row)
                heads[head.record] = head
            }
        } catch {
            throw StoreError(error)
        }
        return heads
    }

    /// The heads of `records` with their metadata columns, live or soft-deleted.
    ///
    /// - Returns: by record id; a record without a version is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; two index lookups for each id.
    public func describe(_ records: [RecordID]) throws(StoreError) -> [RecordID: DescribedHead] {
        let statement = Statement(
            "head_describe_\(feature)",
            """
            SELECT h.rid, h.entry, h.definition_id, h.state, h.provenance, h.data_version, l.metadata
            FROM unnest((SELECT $1::bigint[])) AS u (rid)
            JOIN head_\(feature) h ON h.rid = u.rid
            JOIN lineage_\(feature) l ON l.rid = h.rid AND l.entry = h.entry
            """)
        return try described(statement, [.int8Array(records)])
    }

    /// The heads of records, and how their metadata columns differ from the given ones.
    ///
    /// Metadata is compared in the database, as values: neither the order of members nor the writing of numbers counts.
    ///
    /// - Parameters:
    ///   - metadata: a JSON object for each record.
    ///   - watched: the columns of which to tell whether they differ.
    /// - Returns: by record id; a record without a version is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; two index lookups for each id.
    public func compare(
        _ records: [RecordID], metadata: [[UInt8]], watched: [String]
    ) throws(StoreError) -> [RecordID: ComparedHead] {
        let statement = Statement(
            "head_compare_\(feature)",
            """
            SELECT h.rid, h.entry, h.definition_id, h.state, h.provenance, h.data_version,
                   l.metadata IS NOT DISTINCT FROM u.metadata,
                   ARRAY(SELECT c FROM unnest($3::text[]) AS c WHERE l.metadata -> c IS DISTINCT FROM u.metadata -> c)
            FROM unnest((SELECT $1::bigint[]), (SELECT $2::jsonb[])) AS u (rid, metadata)
            JOIN head_\(feature) h ON h.rid = u.rid
            JOIN lineage_\(feature) l ON l.rid = h.rid AND l.entry = h.entry
            """)
        let found = try connection.rows(
            statement, [.int8Array(records), .jsonbArray(metadata), .textArray(watched)]
        ) { row throws(PostgresError) in
            ComparedHead(
                head: try Self.head(row), hasSameMetadata: try row.bool(6),
                moved: Set(try row.textArray(7).compactMap { $0 }))
        }
        return Dictionary(found.map { ($0.head.record, $0) }) { first, _ in first }
    }

    /// The rows that differ from the stored versions, with their heads.
    ///
    /// Where a walk along the range of the records finds their heads, these are read before they are joined: of an array
    /// that it does not know the planner expects ten elements, and would look each of them up.
    ///
    /// - Parameters:
    ///   - records: the records of the rows.
    ///   - fingerprints: digests of the rows, of 16 bytes each.
    /// - Returns: asks for the rows whose record has no live head with this fingerprint, each with the head that it has.
    /// - Complexity: an index lookup for each row or a walk along their range, and a row back for each that differs.
    public func differing(_ records: [RecordID], fingerprints: ByteColumn) -> Question<DifferingHeads> {
        let walk = RecordWalk(records)
        let columns = "rid, definition_id, state, provenance, data_version, fingerprint"
        let range =
            "WITH h AS MATERIALIZED (SELECT \(columns) FROM head_\(feature) WHERE rid >= $3 AND rid <= $4)\n"
        let statement = Statement(
            "head_differing_\(walk == nil ? "" : "walk_")\(feature)",
            """
            \(walk == nil ? "" : range)SELECT \(DifferingHeads.columns)
            FROM unnest((SELECT $1::bigint[]), (SELECT $2::uuid[])) WITH ORDINALITY AS u (rid, fingerprint, ordinal)
            LEFT JOIN \(walk == nil ? "head_\(feature) h" : "h") ON h.rid = u.rid
            WHERE (h.fingerprint = u.fingerprint AND h.state = 0) IS NOT TRUE
            """)
        let bounds: [Parameter] = walk.map { [.int8($0.first), .int8($0.last)] } ?? []
        return Question(
            statement: statement, parameters: [.int8Array(records), .uuidColumn(fingerprints)] + bounds
        ) { (rows) throws(StoreError) in
            do throws(PostgresError) { return try DifferingHeads(rows) } catch { throw StoreError(error) }
        }
    }

    /// The live heads after `record` in the order of record ids.
    ///
    /// - Parameters:
    ///   - record: the last record of the page before; -1 for the first page.
    ///   - limit: 1 or more.
    /// - Returns: at most `limit`, ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) plus the tombstones passed over.
    public func page(
        after record: RecordID, limit: Int, deleted: Bool
    ) throws(StoreError) -> [DescribedHead] {
        let statement = Statement(
            "head_page_\(feature)",
            """
            SELECT h.rid, h.entry, h.definition_id, h.state, h.provenance, h.data_version, l.metadata
            FROM (
                SELECT * FROM head_\(feature) WHERE rid > $1 AND (state = 0 OR $3) ORDER BY rid LIMIT $2
            ) h
            JOIN lineage_\(feature) l ON l.rid = h.rid AND l.entry = h.entry
            ORDER BY h.rid
            """)
        return try described(statement, [.int8(record), .int8(Int64(limit)), .bool(deleted)])
            .values.sorted { $0.head.record < $1.head.record }
    }

    /// Every record that has a head, ascending.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records).
    public func all() throws(StoreError) -> [RecordID] {
        try connection.rows(Statement("head_all_\(feature)", "SELECT rid FROM head_\(feature) ORDER BY rid")) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// The records of a range that have a head, ascending.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func all(in range: Range<RecordID>) throws(StoreError) -> [RecordID] {
        let statement = Statement(
            "head_range_\(feature)", "SELECT rid FROM head_\(feature) WHERE rid >= $1 AND rid < $2 ORDER BY rid")
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// How many records of a range have a head.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func count(in range: Range<RecordID>) throws(StoreError) -> Int {
        let statement = Statement(
            "head_count_\(feature)", "SELECT count(*) FROM head_\(feature) WHERE rid >= $1 AND rid < $2")
        return try connection.row(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in Int(try row.int8(0))
        } ?? 0
    }

    /// The live records of a range that were not written under `definition`, ascending.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func outdated(
        in range: Range<RecordID>, definition: DefinitionID
    ) throws(StoreError) -> [RecordID] {
        let statement = Statement(
            "head_outdated_\(feature)",
            """
            SELECT rid FROM head_\(feature)
            WHERE rid >= $1 AND rid < $2 AND state = 0 AND definition_id <> $3 ORDER BY rid
            """)
        return try connection.rows(
            statement, [.int8(range.lowerBound), .int8(range.upperBound), .int8(definition)]
        ) { row throws(PostgresError) in try row.int8(0) }
    }

    /// The largest record id that has a head, -1 where there is none.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(1).
    public func last() throws(StoreError) -> RecordID {
        let statement = Statement("head_last_\(feature)", "SELECT coalesce(max(rid), -1) FROM head_\(feature)")
        return try connection.row(statement) { row throws(PostgresError) in try row.int8(0) } ?? -1
    }

    private func described(
        _ statement: Statement, _ parameters: [Parameter]
    ) throws(StoreError) -> [RecordID: DescribedHead] {
        var heads: [RecordID: DescribedHead] = [:]
        do {
            let rows = try connection.query(statement, parameters)
            heads.reserveCapacity(rows.count)
            for row in rows {
                let head = try Self.head(row)
                heads[head.record] = DescribedHead(head: head, metadata: try row.jsonb(6))
            }
        } catch {
            throw StoreError(error)
        }
        return heads
    }

    private static func head(_ row: Row) throws(PostgresError) -> Head {
        Head(
            record: try row.int8(0), entry: try row.int8(1), definition: try row.int8(2),
            isLive: try row.int2(3) == 0, provenance: try row.textArray(4),
            dataVersions: try row.textArrayOrNil(5))
    }
}
