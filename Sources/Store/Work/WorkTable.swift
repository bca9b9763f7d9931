// The work bitmaps: locked in one order, read, written back.

public import Feature
public import Postgres

/// Reads and writes the work bitmaps.
///
/// A transaction locks the blocks that it changes, upstream features before downstream ones and blocks in order, so that two
/// transactions never wait for each other. Claims take free blocks and skip the rest.
public struct WorkTable {
    let connection: Connection
    private let rank: (FeatureID) -> Int

    /// The work bitmaps seen through `connection`.
    ///
    /// - Parameter rank: where a feature stands in the order of locking.
    public init(_ connection: Connection, rank: @escaping (FeatureID) -> Int) {
        self.connection = connection
        self.rank = rank
    }

    /// Locks blocks until the end of the transaction and loads them into `ledger`; missing ones are made.
    ///
    /// - Parameter addresses: those already in `ledger` are passed over.
    /// - Precondition: the transaction holds no block that comes after one of these in the order of locking.
    /// - Throws: `.database`.
    /// - Complexity: one round trip when all exist, three more for each run of missing ones.
    public func lock(_ addresses: some Sequence<BlockAddress>, into ledger: inout WorkLedger) throws(StoreError) {
        let wanted = inOrder(Set(addresses).filter { !ledger.holds($0) })
        note(wanted, in: &ledger)
        try lockRest(wanted, into: &ledger)
    }

    /// Locks those of some blocks in order that are not locked yet.
    private func lockRest(_ addresses: [BlockAddress], into ledger: inout WorkLedger) throws(StoreError) {
        var wanted = addresses.filter { !ledger.holds($0) }
        while !wanted.isEmpty {
            try read(Self.lockStatement, wanted, into: &ledger)
            wanted.removeAll { ledger.holds($0) }
            guard !wanted.isEmpty else { return }
            // Those before the first missing one are locked. Later ones must not be before it is.
            let known = try peek(wanted)
            let missing = Array(wanted.prefix { known[$0] == nil })
            guard !missing.isEmpty else { continue }
            try connection.run(Self.createStatement, Self.parameters(missing))
        }
    }

    /// Notes that the transaction is about to wait for blocks, which are in order.
    private func note(_ wanted: [BlockAddress], in ledger: inout WorkLedger) {
        guard let first = wanted.first, let last = wanted.last else { return }
        ledger.noteWait(from: place(first), to: place(last))
    }

    private func place(_ address: BlockAddress) -> LockPlace {
        LockPlace(rank: rank(address.feature), address: address)
    }

    /// As `lock`, and asks two questions in the same round trip, answered as of after all blocks are locked.
    ///
    /// - Complexity: one round trip when all exist, four otherwise.
    public func lock<A, B>(
        _ addresses: some Sequence<BlockAddress>, into ledger: inout WorkLedger, asking first: Question<A>,
        _ second: Question<B>
    ) throws(StoreError) -> (A, B) {
        let wanted = inOrder(Set(addresses).filter { !ledger.holds($0) })
        guard !wanted.isEmpty else { return try connection.ask(first, second) }
        note(wanted, in: &ledger)
        let locked = Question<[(BlockAddress, WorkBlock)]>
            .rows(Self.lockStatement, Self.parameters(wanted)) { row throws(PostgresError) in try Self.block(row) }
        let (blocks, answer, other) = try connection.ask(locked, first, second)
        for (address, block) in blocks { ledger.load(address, block) }
        guard blocks.count < wanted.count else { return (answer, other) }
        try lockRest(wanted, into: &ledger)
        return (try connection.ask(first), other)
    }

    /// Locks those of the blocks that nobody else holds and loads them into `ledger`.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lockFree(_ addresses: some Sequence<BlockAddress>, into ledger: inout WorkLedger) throws(StoreError) {
        let wanted = inOrder(Set(addresses).filter { !ledger.holds($0) })
        guard !wanted.isEmpty else { return }
        try read(Self.lockFreeStatement, wanted, into: &ledger)
        if let last = wanted.last(where: ledger.holds) { ledger.note(upTo: place(last)) }
    }

    /// Reads blocks without locking them.
    ///
    /// - Returns: those that exist.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func peek(_ addresses: some Sequence<BlockAddress>) throws(StoreError) -> [BlockAddress: WorkBlock] {
        let wanted = Set(addresses).sorted()
        guard !wanted.isEmpty else { return [:] }
        var blocks: [BlockAddress: WorkBlock] = [:]
        do {
            let rows = try connection.query(Self.peekStatement, Self.parameters(wanted))
            for row in rows {
                let (address, block) = try Self.block(row)
                blocks[address] = block
            }
        } catch {
            throw StoreError(error)
        }
        return blocks
    }

    /// Which units of some blocks are candidates in any of some features, by block; blocks without are absent.
    public static func candidates(
        of features: [FeatureID], in blocks: some Collection<Int32>
    ) -> Question<[Int32: BlockBits]> {
        let addresses = features.flatMap { feature in blocks.map { BlockAddress(feature: feature, block: $0) } }
        return Question<[(block: Int32, units: BlockBits)]>
            .rows(candidatesStatement, parameters(addresses.sorted())) { row throws(PostgresError) in
                (block: try row.int4(0), units: BlockBits(try row.bit(1)))
            }
            .map { found in Dictionary(found.map { ($0.block, $0.units) }) { $0 | $1 } }
    }

    /// The candidates of each block of a feature that has some, from `block` on, in order.
    ///
    /// - Parameter limit: how many blocks at most.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) by `work_active_index`.
    public func active(
        _ feature: FeatureID, from block: Int32, limit: Int
    ) throws(StoreError) -> [(block: Int32, units: BlockBits)] {
        try connection.rows(
            Self.activeStatement, [.int4(feature), .int4(block), .int8(Int64(limit))]
        ) { row throws(PostgresError) in (block: try row.int4(0), units: BlockBits(try row.bit(1))) }
    }

    /// Cuts the numbers of a feature's blocks into ranges that hold about as many candidates each.
    ///
    /// - Parameter units: how many candidates a range has at least, but for the last.
    /// - Returns: the last block of each range but the last, which has no end.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; a short row for each block with candidates.
    public func cuts(_ feature: FeatureID, units: Int) throws(StoreError) -> [Int32] {
        var cuts: [Int32] = []
        var count = 0
        do {
            let rows = try connection.query(Self.activeCountsStatement, [.int4(feature)])
            for row in rows {
                count += Int(try row.int8(1))
                guard count >= units else { continue }
                cuts.append(try row.int4(0))
                count = 0
            }
        } catch {
            throw StoreError(error)
        }
        return cuts
    }

    /// Writes the changed blocks of `ledger` back.
    ///
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own; a row for each changed block, in place (HOT) but for blocks in which the first
    ///   unit became a candidate or the last one is none any more; a short row for each that has something to hand out again.
    public func flush(_ ledger: WorkLedger) throws(StoreError) {
        let changes = ledger.changes
        guard !changes.isEmpty else { return }
        let parameters: [Parameter] = [
            .int4Array(changes.map(\.address.feature)), .int4Array(changes.map(\.address.block)),
            .bitArray(changes.map { BitString($0.block.dirty) }), .bitArray(changes.map { BitString($0.block.leased) }),
            .bitArray(changes.map { BitString($0.block.parked) }),
            .bitArray(changes.map { BitString($0.block.awaited) }),
            .boolArray(changes.map { !$0.block.candidates.isEmpty }),
        ]
        try connection.runLater(Self.flushStatement, parameters)
        let filled = changes.filter { !$0.wasReady && !$0.block.ready.isEmpty }.map(\.address)
        if !filled.isEmpty { try connection.runLater(Self.enterStatement, Self.parameters(filled)) }
        let emptied = changes.filter { $0.wasReady && $0.block.ready.isEmpty }.map(\.address)
        if !emptied.isEmpty { try connection.runLater(Self.leaveStatement, Self.parameters(emptied)) }
    }

    /// Whether some unit of some of the features is a candidate.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each feature.
    public func isActive(among features: [FeatureID]) throws(StoreError) -> Bool {
        try connection.row(Self.isActiveStatement, [.int4Array(features)]) { row throws(PostgresError) in
            try row.bool(0)
        } ?? false
    }

    private func inOrder(_ addresses: some Sequence<BlockAddress>) -> [BlockAddress] {
        addresses.map { (rank: rank($0.feature), address: $0) }
            .sorted { ($0.rank, $0.address) < ($1.rank, $1.address) }.map(\.address)
    }

    private func read(
        _ statement: Statement, _ addresses: [BlockAddress], into ledger: inout WorkLedger
    ) throws(StoreError) {
        do {
            let rows = try connection.query(statement, Self.parameters(addresses))
            for row in rows {
                let (address, block) = try Self.block(row)
                ledger.load(address, block)
            }
        } catch {
            throw StoreError(error)
        }
    }

    private static func parameters(_ addresses: [BlockAddress]) -> [Parameter] {
        [.int4Array(addresses.map(\.feature)), .int4Array(addresses.map(\.block))]
    }

    static func block(
        _ row: Row
    ) throws(PostgresError) -> (BlockAddress, WorkBlock) {
        let address = BlockAddress(feature: try row.int4(0), block: try row.int4(1))
        let block = WorkBlock(
            dirty: BlockBits(try row.bit(2)), leased: BlockBits(try row.bit(3)),
            parked: BlockBits(try row.bit(4)), awaited: BlockBits(try row.bit(5)))
        return (address, block)
    }
}

extension WorkTable {
    static let columns = "w.feature_id, w.block, w.dirty, w.leased, w.parked, w.awaited"

    /// Stops before the first block that does not exist yet: it is to be made and locked before those after it.
    private static let lockStatement = Statement(
        "work_lock",
        """
        WITH wanted AS MATERIALIZED (
            SELECT * FROM unnest($1::integer[], $2::integer[]) WITH ORDINALITY AS u (feature_id, block, ordinal)
        )
        SELECT \(columns) FROM wanted u JOIN work w ON w.feature_id = u.feature_id AND w.block = u.block
        WHERE u.ordinal < coalesce(
            (SELECT min(m.ordinal) FROM wanted m WHERE NOT EXISTS (
                SELECT FROM work e WHERE e.feature_id = m.feature_id AND e.block = m.block OFFSET 0)),
            9223372036854775807)
        ORDER BY u.ordinal FOR UPDATE OF w
        """)

    private static let lockFreeStatement = Statement(
        "work_lock_free",
        """
        SELECT \(columns) FROM unnest($1::integer[], $2::integer[]) WITH ORDINALITY AS u (feature_id, block, ordinal)
        JOIN work w ON w.feature_id = u.feature_id AND w.block = u.block
        ORDER BY u.ordinal FOR UPDATE OF w SKIP LOCKED
        """)

    private static let peekStatement = Statement(
        "work_peek",
        """
        SELECT \(columns) FROM unnest($1::integer[], $2::integer[]) AS u (feature_id, block)
        JOIN work w ON w.feature_id = u.feature_id AND w.block = u.block
        """)

    /// By `work_active_index`, which has nothing of blocks without candidates: most have none. As a join it would be walked,
    /// along the blocks of every feature.
    private static let candidatesStatement = Statement(
        "work_candidates",
        """
        SELECT w.block, w.units
        FROM unnest($1::integer[], $2::integer[]) AS u (feature_id, block) CROSS JOIN LATERAL (
            SELECT w.block, w.dirty | w.leased | w.parked AS units FROM work w
            WHERE w.feature_id = u.feature_id AND w.block = u.block AND w.active OFFSET 0
        ) w
        """)

    private static let activeStatement = Statement(
        "work_active",
        """
        SELECT w.block, w.dirty | w.leased | w.parked FROM work w
        WHERE w.feature_id = $1 AND w.active AND w.block >= $2 ORDER BY w.block LIMIT $3
        """)

    private static let activeCountsStatement = Statement(
        "work_active_counts",
        """
        SELECT w.block, bit_count(w.dirty | w.leased | w.parked) FROM work w WHERE w.feature_id = $1 AND w.active
        ORDER BY w.block
        """)

    private static let createStatement = Statement(
        "work_create",
        """
        INSERT INTO work (feature_id, block, active, dirty, leased, parked, awaited)
        SELECT u.feature_id, u.block, false, z.zero, z.zero, z.zero, z.zero
        FROM unnest($1::integer[], $2::integer[]) AS u (feature_id, block), (SELECT 0::bit(1024) AS zero) z
        ON CONFLICT (feature_id, block) DO NOTHING
        """)

    private static let flushStatement = Statement(
        "work_flush",
        """
        UPDATE work w
        SET dirty = u.dirty, leased = u.leased, parked = u.parked, awaited = u.awaited,
            active = u.active
        FROM unnest($1::integer[], $2::integer[], $3::bit(1024)[], $4::bit(1024)[], $5::bit(1024)[], $6::bit(1024)[],
                    $7::boolean[])
            AS u (feature_id, block, dirty, leased, parked, awaited, active)
        WHERE w.feature_id = u.feature_id AND w.block = u.block
        """)

    private static let enterStatement = Statement(
        "ready_block_enter",
        """
        INSERT INTO ready_block (since, feature_id, block)
        SELECT clock_timestamp(), u.feature_id, u.block FROM unnest($1::integer[], $2::integer[]) AS u (feature_id, block)
        ON CONFLICT (feature_id, block) DO NOTHING
        """)

    private static let leaveStatement = Statement(
        "ready_block_leave",
        """
        DELETE FROM ready_block r USING unnest($1::integer[], $2::integer[]) AS u (feature_id, block)
        WHERE r.feature_id = u.feature_id AND r.block = u.block
        """)

    private static let isActiveStatement = Statement(
        "work_is_active",
        """
        SELECT EXISTS (
            SELECT FROM unnest($1::integer[]) AS u (feature_id) JOIN work w ON w.feature_id = u.feature_id AND w.active
        )
        """)
}
