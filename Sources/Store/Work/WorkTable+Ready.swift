// Blocks that have units to hand out: found, locked where they are free, and read.

public import Feature
import Postgres

/// A block that has something to hand out, as it was when it was locked.
public struct ReadyBlock: Sendable {
    /// Which block.
    public let address: BlockAddress
    /// When it last turned from nothing to hand out to something: microseconds since 1970; 0 where blocks are read by number.
    public let since: Int64
    /// Its units.
    public let block: WorkBlock
}

extension WorkTable {
    /// Locks the next blocks that have something to hand out, oldest first, skipping those that others hold.
    ///
    /// - Parameters:
    ///   - previous: the last block of the call before, nil for the first.
    ///   - limit: how many blocks at most.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit) by `ready_block_since_index`.
    public func lockReady(
        _ feature: FeatureID, after previous: ReadyBlock?, limit: Int
    ) throws(StoreError) -> [ReadyBlock] {
        try readReady(
            Self.lockReadyStatement,
            [
                .int4(feature), .timestamp(previous?.since ?? .min), .int4(previous?.address.block ?? -1),
                .int8(Int64(limit)),
            ])
    }

    /// Like `lockReady`, also with the blocks that have only parked units, in the order of their numbers.
    ///
    /// - Parameters:
    ///   - previous: the last block of the call before, nil for the first.
    ///   - limit: how many blocks at most.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(blocks with candidates) by `work_active_index`.
    public func lockReadyOrParked(
        _ feature: FeatureID, after previous: ReadyBlock?, limit: Int
    ) throws(StoreError) -> [ReadyBlock] {
        try readReady(
            Self.lockReadyOrParkedStatement,
            [.int4(feature), .int4(previous?.address.block ?? -1), .int8(Int64(limit))])
    }

    private func readReady(_ statement: Statement, _ parameters: [Parameter]) throws(StoreError) -> [ReadyBlock] {
        var ready: [ReadyBlock] = []
        do {
            let rows = try connection.query(statement, parameters)
            for row in rows {
                let (address, block) = try Self.block(row)
                ready.append(ReadyBlock(address: address, since: try row.timestamp(6), block: block))
            }
        } catch {
            throw StoreError(error)
        }
        return ready
    }

    private static let isReady = "bit_count(w.dirty & ~w.leased) > 0"

    /// Rows are locked as they are met in the order of the index, and LIMIT counts locked rows only. One that somebody has
    /// changed meanwhile is looked at again as it is now, for which its bits are asked. As a join it would be planned from
    /// `work` on and sorted, where nothing is known of the tables yet.
    private static let lockReadyStatement = Statement(
        "work_lock_ready",
        """
        SELECT \(columns), r.since
        FROM ready_block r CROSS JOIN LATERAL (
            SELECT * FROM work w WHERE w.feature_id = r.feature_id AND w.block = r.block AND \(isReady)
            FOR UPDATE SKIP LOCKED
        ) w
        WHERE r.feature_id = $1 AND (r.since, r.block) > ($2, $3)
        ORDER BY r.since, r.block LIMIT $4
        """)

    private static let lockReadyOrParkedStatement = Statement(
        "work_lock_ready_or_parked",
        """
        SELECT \(columns), 'epoch'::timestamptz FROM work w
        WHERE w.feature_id = $1 AND w.active AND w.block > $2 AND (\(isReady) OR bit_count(w.parked) > 0)
        ORDER BY w.block LIMIT $3 FOR UPDATE OF w SKIP LOCKED
        """)
}
