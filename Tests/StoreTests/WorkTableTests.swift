// Blocks are locked in one order, also those that do not exist yet.

import Feature
import Postgres
import Testing

@testable import Store

@Suite("Work blocks")
struct WorkTableTests {
    private static func addresses(_ blocks: some Sequence<Int32>) -> [BlockAddress] {
        blocks.map { BlockAddress(feature: 1, block: $0) }
    }

    private static func lock(_ blocks: [Int32], _ connection: Connection) throws(StoreError) -> WorkLedger {
        var ledger = WorkLedger()
        try WorkTable(connection, rank: { _ in 0 }).lock(addresses(blocks), into: &ledger)
        return ledger
    }

    @Test(
        "blocks are locked whether they exist or not, and made where they do not",
        arguments: [[], [3, 4, 7], [0], [9]])
    func missing(existing: [Int32]) async throws {
        try await Migrated.with { migrated in
            try await migrated.pool.transaction { (connection) throws(StoreError) in
                _ = try Self.lock(existing, connection)
            }
            let all = Array<Int32>(0..<10)
            let ledger = try await migrated.pool.transaction { (connection) throws(StoreError) in
                try Self.lock(all, connection)
            }
            #expect(Self.addresses(all).allSatisfy(ledger.holds))
            let stored = try await migrated.texts("SELECT block::text FROM work WHERE feature_id = 1 ORDER BY block")
            #expect(stored == all.map(String.init))
        }
    }

    @Test("a transaction that waits for a block which another is making holds no later block")
    func waits() async throws {
        try await Migrated.with { migrated in
            try await migrated.pool.transaction { (connection) throws(StoreError) in
                _ = try Self.lock([2], connection)
            }
            let (made, make) = AsyncStream.makeStream(of: Void.self)
            async let second: WorkLedger = {
                for await _ in made { break }
                return try await migrated.pool.transaction(retries: 0) { (connection) throws(StoreError) in
                    try Self.lock([1, 2], connection)
                }
            }()
            let waiting = Statement(
                "waiting", "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
            let first = try await migrated.pool.transaction(retries: 0) { (connection) throws(StoreError) in
                var ledger = try Self.lock([1], connection)
                make.yield()
                while (try connection.row(waiting) { row throws(PostgresError) in try row.int8(0) }) == 0 {}
                try WorkTable(connection, rank: { _ in 0 }).lock(Self.addresses([2]), into: &ledger)
                return ledger
            }
            #expect(Self.addresses([1, 2]).allSatisfy(first.holds))
            #expect(try await Self.addresses([1, 2]).allSatisfy(second.holds))
        }
    }
}
