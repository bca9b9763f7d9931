// Transactions: all or nothing, and again after a collision.

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct TransactionTests {
    static let insert = Statement("insert", "INSERT INTO t VALUES ($1)")

    @Test func a_transaction_commits_what_it_did() async throws {
        try await withPool { pool, _ in
            try await pool.script("CREATE TABLE t (n int8)")
            let inside = try await pool.transaction { (connection) throws(PostgresError) in
                let before = connection.inTransaction
                try connection.execute(Self.insert, [.int8(1)])
                return before && connection.inTransaction
            }
            #expect(inside)
            #expect(try await pool.rows("SELECT 1 FROM t").count == 1)
        }
    }

    @Test func a_transaction_whose_body_throws_leaves_nothing() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8)")
            let mine = PostgresError(.decode, "mine")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.execute(Self.insert, [.int8(1)])
                    throw mine
                }
            }
            #expect(error == mine)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func a_failure_that_the_body_swallowed_fails_the_commit() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.execute(Self.insert, [.int8(1)])
                    do { try connection.execute(Self.insert, [.int8(1)]) } catch {}
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func a_transaction_without_statements_costs_no_round_trip() async throws {
        try await withPool(size: 1) { pool, _ in
            let before = try await pool.transaction { (connection) throws(PostgresError) in connection.inTransaction }
            #expect(before)
            #expect(try await pool.rows("SELECT 1").count == 1)
        }
    }

    @Test(arguments: [Isolation.readCommitted, .repeatableRead, .serializable])
    func the_isolation_is_what_was_asked_for(isolation: Isolation) async throws {
        try await withPool(size: 1) { pool, _ in
            let (level, readOnly) = try await pool.transaction(isolation: isolation, readOnly: true) {
                (connection) throws(PostgresError) in
                let show = Statement(
                    "show", "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
                let row = try connection.query(show).single()
                return (try row.text(0), try row.text(1))
            }
            #expect(level == isolation.rawValue.lowercased())
            #expect(readOnly == "on")
        }
    }

    @Test func colliding_transactions_run_again_until_each_has_succeeded() async throws {
        try await withPool(size: 4) { pool, _ in
            try await pool.script("CREATE TABLE counter (n int8); INSERT INTO counter VALUES (0)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await pool.transaction(isolation: .repeatableRead, retries: 100) {
                            (connection) throws(PostgresError) in
                            let n = try connection.query(Statement("read", "SELECT n FROM counter")).single().int8(0)
                            try connection.execute(Statement("write", "UPDATE counter SET n = $1"), [.int8(n + 1)])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let row = try await pool.rows("SELECT n FROM counter").single()
            #expect(try row.int8(0) == 20)
        }
    }

    @Test func a_collision_is_reported_when_the_retries_are_used_up() async throws {
        let attempts = Mutex(0)
        try await withPool(size: 1) { pool, _ in
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction(retries: 2) { (connection) throws(PostgresError) in
                    attempts.withLock { $0 += 1 }
                    try connection.script("DO $$ BEGIN RAISE EXCEPTION 'collision' USING ERRCODE = '40001'; END $$")
                }
            }
            #expect(error?.sqlState == .serializationFailure)
            #expect(attempts.withLock { $0 } == 3)
        }
    }

    /// A commit that takes long: a deferred trigger waits.
    private static let slowCommit = """
        CREATE TABLE t (n int8);
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            EXECUTE FUNCTION wait()
        """

    @Test(arguments: [true, false])
    func a_commit_that_is_cut_off_says_whether_its_outcome_is_known(terminated: Bool) async throws {
        try await withPool(size: 1) { pool, database in
            try await pool.script(Self.slowCommit)
            let backend = try await pool.backend()
            let task = Task {
                await failure { () throws(PostgresError) in
                    try await pool.transaction { (connection) throws(PostgresError) in
                        _ = try connection.execute(Self.insert, [.int8(1)])
                    }
                }
            }
            let administrator = Pool(PoolConfiguration(connectionString: database.administratorConnectionString))
            let isCommitting = try await eventually {
                let wait = try await administrator.rows(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND query = 'COMMIT' AND wait_event = 'PgSleep'",
                    [.int4(backend)])
                return wait.count == 1
            }
            #expect(isCommitting)
            if terminated {
                _ = try await administrator.rows("SELECT pg_terminate_backend($1)", [.int4(backend)])
            } else {
                task.cancel()
            }
            let error = await task.value
            #expect(error?.code == (terminated ? .commitUnknown : .cancelled))
            let rows = try await pool.rows("SELECT 1 FROM t")
            #expect(rows.isEmpty)
            await administrator.close()
        }
    }

    @Test func a_session_can_have_several_transactions_under_one_lock() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8)")
            try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.script("SELECT pg_advisory_lock(7)")
                for number in Int64(0)..<3 {
                    try connection.transaction { (connection) throws(PostgresError) in
                        _ = try connection.execute(Self.insert, [.int8(number)])
                    }
                }
                try connection.script("SELECT pg_advisory_unlock(7)")
            }
            let rows = try await pool.rows("SELECT 1 FROM t")
            #expect(rows.count == 3)
        }
    }

    @Test func a_transaction_left_open_by_a_script_is_rolled_back() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8)")
            try await pool.script("BEGIN; INSERT INTO t VALUES (1)")
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func settings_hold_behind_a_pooler_inside_transactions() async throws {
        try await withPool(
            size: 1,
            {
                $0.preparedStatements = false
                $0.statementTimeout = .seconds(7)
            }
        ) { pool, _ in
            let show = Statement(
                "show",
                "SELECT current_setting('statement_timeout') || ' ' || current_setting('max_parallel_workers_per_gather')"
            )
            let inside = try await pool.transaction { (connection) throws(PostgresError) in
                try connection.query(show).single().text(0)
            }
            #expect(inside == "7s 0")
            let outside = try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.query(show).single().text(0)
            }
            #expect(outside == "0 2")
        }
    }
}
