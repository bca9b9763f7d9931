// Holds what is kept about the units of a feature against what it is kept about.

public import Feature
public import Postgres

/// A unit whose leased bit is not what the active claims say.
public struct LeaseFault: Sendable {
    /// The unit.
    public let unit: RecordID
    /// How many active claims hold it.
    public let claims: Int
}

/// Looks for contradictions in what is stored about one feature.
public struct ConsistencyChecks {
    private let connection: Connection
    private let feature: FeatureID

    /// The audits of `feature`, which may stand for units.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The records of a range whose bits in the presence bitmaps are not those of their heads.
    ///
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func presenceFaults(_ range: Range<RecordID>) throws(StoreError) -> [RecordID] {
        let statement = Statement(
            "audit_presence_\(feature)",
            """
            WITH h AS MATERIALIZED (
                SELECT rid, state, rid >> 10 AS block, (rid & 1023)::integer AS place
                FROM head_\(feature) WHERE rid >= $1 AND rid < $2
            ), p AS MATERIALIZED (
                SELECT block, live, gone FROM presence
                WHERE feature_id = \(feature) AND block >= $1 >> 10 AND block <= ($2 - 1) >> 10
            ), bits AS (
                SELECT (p.block::bigint << 10) + i AS rid, get_bit(p.live, i) + 2 * get_bit(p.gone, i) AS bits
                FROM p CROSS JOIN generate_series(0, 1023) AS i
                WHERE bit_count(p.live) + bit_count(p.gone) <> (SELECT count(*) FROM h WHERE h.block = p.block)
            )
            SELECT h.rid FROM h LEFT JOIN p ON p.block = h.block
            WHERE p.block IS NULL OR get_bit(p.live, h.place) + 2 * get_bit(p.gone, h.place) <> h.state + 1
            UNION
            SELECT b.rid FROM bits b WHERE b.bits <> 0 AND b.rid >= $1 AND b.rid < $2
                AND NOT EXISTS (SELECT FROM h WHERE h.rid = b.rid)
            ORDER BY 1
            """)
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// The records of a range whose head has a key beside it that is not the record's.
    ///
    /// - Parameter space: the id space of the feature.
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func keyFaults(_ range: Range<RecordID>, space: Int32) throws(StoreError) -> [RecordID] {
        let bounds = "rid >= $1 AND rid < $2"
        let statement = Statement(
            "audit_keys_\(feature)",
            """
            SELECT h.rid FROM (SELECT rid, key FROM head_\(feature) WHERE \(bounds) AND key IS NOT NULL) h
            LEFT JOIN (SELECT rid, key FROM record_\(space) WHERE \(bounds)) r ON r.rid = h.rid
            WHERE r.key IS DISTINCT FROM h.key ORDER BY 1
            """)
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// How many records the presence bitmaps have as live.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; a row for each 1,024 records.
    public func liveBits() throws(StoreError) -> Int {
        try connection.row(Self.liveBitsStatement, [.int4(feature)]) { row throws(PostgresError) in
            Int(try row.int8(0))
        } ?? 0
    }

    /// The units that are leased though no active claim holds them, or that claims hold though they are not leased, or
    /// that two claims hold.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(work blocks and units of active claims).
    public func leaseFaults() throws(StoreError) -> [LeaseFault] {
        try connection.rows(Self.leasesStatement, [.int4(feature)]) { row throws(PostgresError) in
            LeaseFault(unit: try row.int8(0), claims: Int(try row.int8(1)))
        }
    }

    /// The blocks that have something to hand out and are not told as such, or the other way round.
    ///
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(work blocks).
    public func readyFaults() throws(StoreError) -> [Int32] {
        try connection.rows(Self.readyStatement, [.int4(feature)]) { row throws(PostgresError) in try row.int4(0) }
    }

    private static let liveBitsStatement = Statement(
        "audit_live", "SELECT coalesce(sum(bit_count(live)), 0)::bigint FROM presence WHERE feature_id = $1")

    private static let readyStatement = Statement(
        "audit_ready",
        """
        SELECT coalesce(w.block, r.block)
        FROM (SELECT block FROM work WHERE feature_id = $1 AND active AND bit_count(dirty & ~leased) > 0) w
        FULL JOIN (SELECT block FROM ready_block WHERE feature_id = $1) r ON r.block = w.block
        WHERE w.block IS NULL OR r.block IS NULL ORDER BY 1
        """)

    private static let leasesStatement = Statement(
        "audit_leases",
        """
        WITH held AS (
            SELECT u.rid, count(*) AS claims
            FROM claim c JOIN claim_batch b ON b.claim_id = c.id
            CROSS JOIN LATERAL unnest(b.rids) WITH ORDINALITY AS u (rid, place)
            WHERE c.feature_id = $1 AND c.state = 0 AND get_bit(c.finished, u.place::integer - 1) = 0
            GROUP BY u.rid
        ), leased AS (
            SELECT (w.block::bigint << 10) + i AS rid FROM work w CROSS JOIN generate_series(0, 1023) AS i
            WHERE w.feature_id = $1 AND w.active AND bit_count(w.leased) > 0 AND get_bit(w.leased, i) = 1
        )
        SELECT coalesce(l.rid, h.rid), coalesce(h.claims, 0)
        FROM leased l FULL JOIN held h ON h.rid = l.rid
        WHERE l.rid IS NULL OR h.rid IS NULL OR h.claims > 1
        ORDER BY 1
        """)
}
