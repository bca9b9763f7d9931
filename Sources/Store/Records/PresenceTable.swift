// Which records of a feature exist, as bitmaps.

public import Feature
public import Postgres

/// Records that a transaction makes live or soft-deletes.
public struct PresenceChanges: Sendable {
    fileprivate struct Bits: Sendable {
        var live: [BlockAddress: BlockBits] = [:]
        var gone: [BlockAddress: BlockBits] = [:]
    }

    fileprivate var features: [FeatureID: Bits] = [:]

    /// No records.
    public init() {}

    /// Takes records that now have a live head, and records that now have a tombstone. What comes later counts.
    ///
    /// - Parameter access: to the feature of the records.
    public mutating func note(_ access: WriteAccess, live: [RecordID], gone: [RecordID]) {
        for (address, bits) in BlockAddress.group(live, of: access.feature) {
            features[access.feature, default: Bits()].live[address, default: BlockBits()] |= bits
            features[access.feature]?.gone[address]? -= bits
        }
        for (address, bits) in BlockAddress.group(gone, of: access.feature) {
            features[access.feature, default: Bits()].gone[address, default: BlockBits()] |= bits
            features[access.feature]?.live[address]? -= bits
        }
    }
}

/// Reads and changes the presence bitmaps.
public struct PresenceTable {
    private let connection: Connection

    /// The presence bitmaps seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Sets records live and others soft-deleted, feature by feature in the order of their numbers.
    ///
    /// The caller holds the work blocks of these records, which orders all writers of the same presence rows. Rows with counts are
    /// shared by all writers of a feature, so this comes at the end of a transaction: they are locked for the commit alone, and in one
    /// order.
    ///
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own; a row for each block touched.
    public func update(_ changes: PresenceChanges) throws(StoreError) {
        for (feature, bits) in changes.features.sorted(by: { $0.key < $1.key }) {
            let addresses = Set(bits.live.keys).union(bits.gone.keys).sorted()
            let parameters: [Parameter] = [
                .int4(feature), .int4Array(addresses.map(\.block)),
                .bitArray(addresses.map { BitString(bits.live[$0] ?? BlockBits()) }),
                .bitArray(addresses.map { BitString(bits.gone[$0] ?? BlockBits()) }),
            ]
            try connection.runLater(Self.updateStatement, parameters)
        }
    }

    /// How many records of each feature are live and how many are soft-deleted.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; sixteen rows a feature.
    public func counts() throws(StoreError) -> [FeatureID: (live: Int, gone: Int)] {
        var counts: [FeatureID: (live: Int, gone: Int)] = [:]
        do {
            let rows = try connection.query(Self.countsStatement, [])
            for row in rows {
                counts[try row.int4(0)] = (Int(try row.int8(1)), Int(try row.int8(2)))
            }
        } catch {
            throw StoreError(error)
        }
        return counts
    }

    /// How many records of a feature are live.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; sixteen rows.
    public func count(of feature: FeatureID) throws(StoreError) -> Int {
        try connection.row(Self.countStatement, [.int4(feature)]) { row throws(PostgresError) in
            Int(try row.int8(0))
        } ?? 0
    }

    /// The presence bitmaps of some blocks.
    ///
    /// - Returns: those that exist.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each block.
    public func peek(
        _ addresses: [BlockAddress]
    ) throws(StoreError) -> [BlockAddress: (live: BlockBits, gone: BlockBits)] {
        var blocks: [BlockAddress: (live: BlockBits, gone: BlockBits)] = [:]
        do {
            let rows = try connection.query(
                Self.peekStatement, [.int4Array(addresses.map(\.feature)), .int4Array(addresses.map(\.block))])
            for row in rows {
                let address = BlockAddress(feature: try row.int4(0), block: try row.int4(1))
                blocks[address] = (BlockBits(try row.bit(2)), BlockBits(try row.bit(3)))
            }
        } catch {
            throw StoreError(error)
        }
        return blocks
    }

    /// The presence bitmaps of a feature, by block.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; a row for each 1,024 records.
    public func read(_ feature: FeatureID) throws(StoreError) -> [BlockAddress: (live: BlockBits, gone: BlockBits)] {
        var blocks: [BlockAddress: (live: BlockBits, gone: BlockBits)] = [:]
        do {
            let rows = try connection.query(Self.readStatement, [.int4(feature)])
            for row in rows {
                let address = BlockAddress(feature: feature, block: try row.int4(0))
                blocks[address] = (BlockBits(try row.bit(1)), BlockBits(try row.bit(2)))
            }
        } catch {
            throw StoreError(error)
        }
        return blocks
    }

    /// The counts move by what the bitmaps move. Nobody else changes these blocks meanwhile, so `before` is what the
    /// update finds.
    private static let updateStatement = Statement(
        "presence_update",
        """
        WITH input AS MATERIALIZED (
            SELECT * FROM unnest($2::integer[], $3::bit(1024)[], $4::bit(1024)[]) AS u (block, live, gone)
        ), before AS (
            SELECT p.block, p.live, p.gone FROM input i JOIN presence p ON p.feature_id = $1 AND p.block = i.block
        ), after AS (
            INSERT INTO presence AS p (feature_id, block, live, gone)
            SELECT $1, block, live, gone FROM input
            ON CONFLICT (feature_id, block) DO UPDATE
            SET live = (p.live & ~excluded.gone) | excluded.live, gone = (p.gone & ~excluded.live) | excluded.gone
            RETURNING block, live, gone
        )
        INSERT INTO presence_count AS c (feature_id, stripe, live, gone)
        SELECT $1, pg_backend_pid() % 16,
               sum(bit_count(a.live) - coalesce(bit_count(b.live), 0)),
               sum(bit_count(a.gone) - coalesce(bit_count(b.gone), 0))
        FROM after a LEFT JOIN before b ON b.block = a.block
        ON CONFLICT (feature_id, stripe) DO UPDATE SET live = c.live + excluded.live, gone = c.gone + excluded.gone
        """)

    private static let countsStatement = Statement(
        "presence_counts",
        "SELECT feature_id, sum(live)::bigint, sum(gone)::bigint FROM presence_count GROUP BY feature_id")

    private static let countStatement = Statement(
        "presence_count", "SELECT coalesce(sum(live), 0)::bigint FROM presence_count WHERE feature_id = $1")

    private static let peekStatement = Statement(
        "presence_peek",
        """
        SELECT p.feature_id, p.block, p.live, p.gone FROM unnest($1::integer[], $2::integer[]) AS u (feature_id, block)
        JOIN presence p ON p.feature_id = u.feature_id AND p.block = u.block
        """)

    private static let readStatement = Statement(
        "presence_read", "SELECT block, live, gone FROM presence WHERE feature_id = $1 ORDER BY block")
}

extension BitString {
    /// The bits of a block as the database has them.
    init(_ bits: BlockBits) {
        self.init(count: BlockBits.count, words: (0..<16).map { bits.words[$0] })
    }
}

extension BlockBits {
    /// The bits of a block as the database has them.
    init(_ bits: BitString) {
        var words = SIMD16<UInt64>.zero
        for (lane, word) in bits.words.prefix(16).enumerated() { words[lane] = word }
        self.init(words: words)
    }
}
