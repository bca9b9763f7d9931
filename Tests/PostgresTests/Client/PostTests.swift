// Statements that travel with others.

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct PostTests {
    static let insert = Statement("insert", "INSERT INTO t VALUES ($1)")
    static let count = Statement("count", "SELECT count(*) FROM t")

    @Test func what_was_posted_runs_before_the_next_statement_and_with_the_commit() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let seen = try await pool.transaction { (connection) throws(PostgresError) in
                try connection.post(Self.insert, [.int8(1)])
                try connection.post(Self.insert, [.int8(2)])
                let seen = try connection.query(Self.count).single().int8(0)
                try connection.post(Self.insert, [.int8(3)])
                return seen
            }
            #expect(seen == 2)
            #expect(try await pool.rows("SELECT 1 FROM t").count == 3)
        }
    }

    @Test func a_transaction_of_nothing_but_posted_statements_commits() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            try await pool.transaction { (connection) throws(PostgresError) in
                for number in 0..<100 { try connection.post(Self.insert, [.int8(Int64(number))]) }
            }
            #expect(try await pool.rows("SELECT 1 FROM t").count == 100)
        }
    }

    @Test func a_failure_shows_at_the_next_statement_and_names_the_posted_one() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let isPosted = Mutex(false)
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.execute(Self.insert, [.int8(1)])
                    try connection.post(Self.insert, [.int8(1)])
                    isPosted.withLock { $0 = true }
                    _ = try connection.pipeline([(Self.count, []), (Self.count, [])])
                }
            }
            #expect(isPosted.withLock { $0 })
            #expect(error?.sqlState == .uniqueViolation)
            #expect(error?.statement == "insert")
            #expect(error?.batchIndex == nil)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func the_place_of_a_failure_in_a_pipeline_does_not_count_what_was_posted() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.post(Self.insert, [.int8(1)])
                    _ = try connection.pipeline([(Self.count, []), (Self.insert, [.int8(1)])])
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            #expect(error?.batchIndex == 1)
        }
    }

    @Test func a_failure_at_the_commit_undoes_everything() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.execute(Self.insert, [.int8(1)])
                    try connection.post(Self.insert, [.int8(2)])
                    try connection.post(Self.insert, [.int8(1)])
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            #expect(error?.statement == "insert")
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
            // The session is as good as new.
            try await pool.transaction { (connection) throws(PostgresError) in
                try connection.post(Self.insert, [.int8(1)])
            }
            #expect(try await pool.rows("SELECT 1 FROM t").count == 1)
        }
    }

    @Test func what_was_posted_is_forgotten_where_the_body_throws() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let mine = PostgresError(.decode, "mine")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    try connection.post(Self.insert, [.int8(1)])
                    throw mine
                }
            }
            #expect(error == mine)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func a_copy_and_a_script_come_after_what_was_posted() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY); CREATE TABLE seen (n int8)")
            try await pool.transaction { (connection) throws(PostgresError) in
                try connection.post(Self.insert, [.int8(1)])
                try connection.script("INSERT INTO seen SELECT count(*) FROM t")
                try connection.post(Self.insert, [.int8(2)])
                _ = try connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { (writer) throws(PostgresError) in
                    try writer.row { $0.int8(3) }
                }
                try connection.post(Statement("see", "INSERT INTO seen SELECT count(*) FROM t"))
            }
            let seen = try await pool.rows("SELECT n FROM seen ORDER BY n")
            #expect(try seen.map { row throws(PostgresError) in try row.int8(0) } == [1, 3])
        }
    }

    @Test func a_collision_of_a_posted_statement_at_the_commit_runs_the_transaction_again() async throws {
        try await withPool(size: 4) { pool, _ in
            try await pool.script("CREATE TABLE counter (n int8); INSERT INTO counter VALUES (0)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await pool.transaction(isolation: .repeatableRead, retries: 100) {
                            (connection) throws(PostgresError) in
                            let n = try connection.query(Statement("read", "SELECT n FROM counter")).single().int8(0)
                            try connection.post(Statement("write", "UPDATE counter SET n = $1"), [.int8(n + 1)])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let row = try await pool.rows("SELECT n FROM counter").single()
            #expect(try row.int8(0) == 20)
        }
    }
}
