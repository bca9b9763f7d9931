// Cancellation: of tasks that wait, and of statements that run.

import Postgres
import TestSupport
import Testing

@Suite struct CancellationTests {
    @Test func a_cancelled_task_stops_its_statement_and_the_connection_goes_on() async throws {
        try await withPool(size: 1) { pool, database in
            let backend = try await pool.backend()
            let task = Task { await failure { () throws(PostgresError) in try await pool.rows("SELECT pg_sleep(60)") } }
            let observer = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            #expect(try await isRunning(backend, observer))
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            let next = try await pool.backend()
            #expect(next == backend)
            await observer.close()
        }
    }

    private func isRunning(_ backend: Int32, _ observer: Pool) async throws -> Bool {
        try await eventually {
            let rows = try await observer.rows(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%sleep%'",
                [.int4(backend)])
            return rows.count == 1
        }
    }

    @Test func a_cancelled_task_leaves_the_queue() async throws {
        try await withPool(size: 1) { pool, database in
            try await whileBusy(pool, database) {
                let task = Task { await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") } }
                let isWaiting = try await eventually { pool.statistics.waiting == 1 }
                #expect(isWaiting)
                task.cancel()
                let error = await task.value
                #expect(error?.code == .cancelled)
                #expect(pool.statistics.inUse == 1)
            }
        }
    }

    @Test func a_task_that_was_cancelled_before_does_nothing() async throws {
        try await withPool(size: 1) { pool, _ in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await failure { () throws(PostgresError) in try await pool.rows("SELECT pg_sleep(60)") }
            }
            let error = await task.value
            #expect(error?.code == .cancelled)
        }
    }

    @Test func cancelling_a_transaction_rolls_it_back() async throws {
        try await withPool(size: 1) { pool, database in
            try await pool.script("CREATE TABLE t (n int8)")
            let backend = try await pool.backend()
            let task = Task {
                await failure { () throws(PostgresError) in
                    try await pool.transaction { (connection) throws(PostgresError) in
                        try connection.execute(Statement("insert", "INSERT INTO t VALUES (1)"))
                        _ = try connection.query(Statement("sleep", "SELECT pg_sleep(60)"))
                    }
                }
            }
            let observer = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            #expect(try await isRunning(backend, observer))
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            let rows = try await pool.rows("SELECT 1 FROM t")
            #expect(rows.isEmpty)
            let next = try await pool.backend()
            #expect(next == backend)
            await observer.close()
        }
    }

    /// Cancels at every moment of short work: nobody else's statement is ever hit.
    @Test func a_late_cancellation_never_hits_the_next_caller() async throws {
        try await withPool(size: 1) { pool, _ in
            for round in 0..<150 {
                let task = Task {
                    await failure { () throws(PostgresError) in try await pool.rows("SELECT pg_sleep(0.001)") }
                }
                for _ in 0..<(round * 20) { await Task.yield() }
                task.cancel()
                let next = await failure { () throws(PostgresError) in try await pool.rows("SELECT pg_sleep(0.001)") }
                #expect(next == nil, "round \(round)")
                let error = await task.value
                #expect(error == nil || error?.code == .cancelled, "round \(round)")
            }
            #expect(pool.statistics.connectsTotal == 1)
        }
    }
}
