// Pool: sharing, deadlines, cancellation, and connections that die.

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct PoolTests {
    /// Every connection waits for a lock that is given back only after others have had a thousand turns: if waiting
    /// took threads from the cooperative pool, nobody would ever give it back.
    @Test func tasks_that_block_on_the_server_never_block_others() async throws {
        try await withPool(size: 4) { pool, database in
            let holder = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            _ = try await holder.rows("SELECT pg_advisory_lock(1)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask { _ = try await pool.rows("SELECT pg_advisory_xact_lock_shared(1)") }
                }
                #expect(try await eventually { pool.statistics.inUse == 4 && pool.statistics.waiting == 60 })
                for _ in 0..<1000 { await Task.yield() }
                _ = try await holder.rows("SELECT pg_advisory_unlock(1)")
                try await group.waitForAll()
            }
            #expect(pool.statistics.open == 4)
            #expect(pool.statistics.acquiredTotal == 64)
            #expect(pool.statistics.waiting == 0)
            await holder.close()
        }
    }

    @Test func a_caller_gives_up_at_the_deadline() async throws {
        try await withPool(size: 1, { $0.waitDeadline = .milliseconds(100) }) { pool, database in
            try await whileBusy(pool, database) {
                let before = pool.statistics.timeoutsTotal
                let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
                #expect(error?.code == .poolExhausted)
                #expect(pool.statistics.timeoutsTotal == before + 1)
            }
        }
    }

    @Test func one_caller_too_many_is_refused_at_once() async throws {
        try await withPool(size: 1, { $0.waitersMax = 1 }) { pool, database in
            try await whileBusy(pool, database) {
                let waiter = Task { try await pool.rows("SELECT 1") }
                let isWaiting = try await eventually { pool.statistics.waiting == 1 }
                #expect(isWaiting)
                let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
                #expect(error?.code == .poolExhausted)
                waiter.cancel()
            }
        }
    }

    @Test func a_server_that_is_not_there_is_reported_as_such() async throws {
        var configuration = PoolConfiguration(connectionString: "host=/nowhere dbname=x", size: 2)
        configuration.waitDeadline = .milliseconds(200)
        let pool = Pool(configuration)
        let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
        #expect(error?.code == .connectFailed)
        #expect(error?.message.contains("/nowhere") == true)
        await pool.close()
    }

    @Test func a_malformed_connection_string_is_reported_as_such() async throws {
        var configuration = PoolConfiguration(connectionString: "hots=x", size: 1)
        configuration.waitDeadline = .milliseconds(200)
        let pool = Pool(configuration)
        let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
        #expect(error?.code == .connectFailed)
        #expect(error?.message.contains("hots") == true)
        await pool.close()
    }

    @Test func a_closed_pool_refuses_callers_and_waits_for_those_it_has() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            async let long = pool.rows("SELECT pg_sleep(0.2)")
            #expect(try await eventually { pool.statistics.inUse == 1 })
            await pool.close()
            #expect(pool.statistics.inUse == 0)
            let rows = try await long
            #expect(rows.count == 1)
            let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") }
            #expect(error?.code == .poolClosed)
            await pool.close()
        }
    }

    @Test func the_settings_reach_the_server() async throws {
        try await withPool(
            size: 1,
            {
                $0.statementTimeout = .milliseconds(1234)
                $0.idleInTransactionTimeout = nil
                $0.applicationName = "the tests"
            }
        ) { pool, _ in
            let row = try await pool.rows(
                "SELECT current_setting('statement_timeout'), current_setting('application_name'), "
                    + "current_setting('client_encoding'), current_setting('idle_in_transaction_session_timeout'), "
                    + "current_setting('max_parallel_workers_per_gather')"
            ).single()
            #expect(try row.text(0) == "1234ms")
            #expect(try row.text(1) == "the tests")
            #expect(try row.text(2) == "UTF8")
            #expect(try row.text(3) == "0")
            #expect(try row.text(4) == "0")
        }
    }

    @Test func the_statement_timeout_is_an_error_of_the_server_not_a_cancellation() async throws {
        try await withPool(size: 1, { $0.statementTimeout = .milliseconds(50) }) { pool, _ in
            let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT pg_sleep(20)") }
            #expect(error?.sqlState == .queryCanceled)
        }
    }

    @Test func notices_are_reported() async throws {
        let heard = Mutex<[PostgresEvent]>([])
        try await withPool(size: 1, { $0.observe = { event in heard.withLock { $0.append(event) } } }) { pool, _ in
            try await pool.script("DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$")
        }
        #expect(heard.withLock { $0 }.contains(.notice(severity: "WARNING", message: "mind the gap")))
    }

    @Test func an_error_type_of_the_caller_is_thrown() async throws {
        struct StoreError: PostgresErrorConvertible {
            let cause: PostgresError
            init(_ error: PostgresError) { cause = error }
        }
        try await withPool(size: 1) { pool, _ in
            let thrown = await #expect(throws: StoreError.self) {
                try await pool.withConnection { (connection) throws(StoreError) in
                    do throws(PostgresError) {
                        try connection.script("SELECT * FROM nowhere")
                    } catch {
                        throw StoreError(error)
                    }
                }
            }
            #expect(thrown?.cause.sqlState == .undefinedTable)
        }
    }
}
