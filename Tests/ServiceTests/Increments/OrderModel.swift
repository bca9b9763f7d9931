// What a claim hands out in order, the slow and plain way.

import Feature
import Postgres
import Store
import TestSupport
import Testing

/// A model of the order of claims by a column: lists and sorting.
struct OrderModel {
    /// The value of each record by its id, nil for none.
    var values: [String: Int?] = [:]

    /// The units of `a` that may be handed out, by block, the oldest first.
    static func blocks(_ world: World) async throws -> [[String]] {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            var blocks: [[String]] = []
            var last: Int32 = -1
            let sql = """
                SELECT w.block, r.ids ->> 0 FROM work w JOIN record_1 r ON r.rid >> 10 = w.block
                JOIN ready_block b ON b.feature_id = w.feature_id AND b.block = w.block
                WHERE get_bit(w.dirty, (r.rid & 1023)::integer) = 1
                    AND get_bit(w.leased, (r.rid & 1023)::integer) = 0
                ORDER BY b.since, w.block, r.rid
                """
            for row in try connection.query(Statement("model", sql, prepare: false)) {
                let block = try row.int4(0)
                if block != last { blocks.append([]) }
                last = block
                blocks[blocks.count - 1].append(try row.text(1))
            }
            return blocks
        }
    }

    /// The batch that a claim gets.
    ///
    /// - Parameter isPicky: whether its worker does not take records whose ids begin with `no`.
    func batch(_ blocks: [[String]], limit: Int, isPicky: Bool) -> Set<String> {
        let open = blocks.joined().filter { !(isPicky && $0.hasPrefix("no")) }
        guard let first = open.first else { return [] }
        let start = rank(first)
        let ordered = open.enumerated().sorted { left, right in
            let (a, b) = (rank(left.element), rank(right.element))
            // Values behind the first one's come before those that are smaller.
            return (a < start ? 1 : 0, a, left.offset) < (b < start ? 1 : 0, b, right.offset)
        }
        return Set(ordered.prefix(limit).map(\.element))
    }

    private func rank(_ id: String) -> Int { (values[id] ?? nil) ?? .max }
}
