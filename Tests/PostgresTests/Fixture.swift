// What the tests of this target share: pools on fresh databases, and seeded randomness.

import Postgres
import TestSupport
import Testing

/// Runs `body` with a pool on a new database, and closes both.
func withPool(
    size: Int = 2, _ configure: (inout PoolConfiguration) -> Void = { _ in },
    _ body: (Pool, TestDatabase) async throws -> Void
) async throws {
    try await TestDatabase.with { database in
        var configuration = PoolConfiguration(connectionString: database.connectionString, size: size)
        configure(&configuration)
        let pool = Pool(configuration)
        do {
            try await body(pool, database)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }
}

/// Runs `body` while one connection of `pool` works for a caller, until `body` is done.
func whileBusy(_ pool: Pool, _ database: TestDatabase, _ body: () async throws -> Void) async throws {
    let holder = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
    _ = try await holder.rows("SELECT pg_advisory_lock(1)")
    // The connection is open before it is needed: the pool's deadline may be short.
    _ = try await eventually { await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") } == nil }
    async let busy = pool.rows("SELECT pg_advisory_xact_lock(1)")
    #expect(try await eventually { pool.statistics.inUse == 1 })
    try await body()
    _ = try await holder.rows("SELECT pg_advisory_unlock(1)")
    let rows = try await busy
    #expect(rows.count == 1)
    await holder.close()
}

extension Pool {
    /// Runs one statement and answers its rows.
    func rows(_ sql: String, _ parameters: [Parameter] = []) async throws(PostgresError) -> Rows {
        try await withConnection { (connection) throws(PostgresError) in
            try connection.query(Statement("test", sql), parameters)
        }
    }

    /// Runs a script.
    func script(_ sql: String) async throws(PostgresError) {
        try await withConnection { (connection) throws(PostgresError) in try connection.script(sql) }
    }

    /// The process id of the server's backend behind a connection.
    func backend() async throws(PostgresError) -> Int32 {
        try await rows("SELECT pg_backend_pid()").single().int4(0)
    }
}

/// The failure that `body` throws, nil when it throws none.
func failure<T>(_ body: () async throws(PostgresError) -> T) async -> PostgresError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// Asks for `condition` every millisecond until it holds, for at most 20 seconds; answers whether it came to hold.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(1))
    }
    return false
}

/// SplitMix64: a sequence that its seed determines.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
