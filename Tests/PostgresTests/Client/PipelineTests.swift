// Pipelines: several statements in one round trip, and a failure among them.

import Postgres
import Testing

@Suite struct PipelineTests {
    static let insert = Statement("insert", "INSERT INTO t VALUES ($1)")
    static let count = Statement("count", "SELECT count(*) FROM t")

    @Test func results_come_in_order() async throws {
        try await withPool { pool, _ in
            let results = try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.pipeline(
                    (0..<500).map { number in
                        (Statement("echo\(number % 3)", "SELECT $1::int8 + \(number % 3)"), [.int8(number)])
                    })
            }
            for (number, rows) in results.enumerated() {
                #expect(try rows.single().int8(0) == Int64(number + number % 3))
            }
        }
    }

    @Test func large_values_flow_in_both_directions_at_once() async throws {
        try await withPool { pool, _ in
            let megabyte = [UInt8](repeating: 7, count: 1 << 20)
            let results = try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.pipeline(
                    (0..<16).map { _ in (Statement("echo", "SELECT $1::bytea"), [.bytes(megabyte)]) })
            }
            for rows in results { #expect(try rows.single().bytes(0) == megabyte) }
        }
    }

    @Test(arguments: [true, false])
    func a_failure_in_the_middle_names_its_statement_and_undoes_the_batch(prepared: Bool) async throws {
        try await withPool(size: 1, { $0.preparedStatements = prepared }) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8 PRIMARY KEY)")
            let error = await failure { () throws(PostgresError) in
                try await pool.withConnection { (connection) throws(PostgresError) in
                    try connection.pipeline([
                        (Self.insert, [.int8(1)]), (Self.insert, [.int8(2)]), (Self.insert, [.int8(1)]),
                        (Self.insert, [.int8(3)]),
                    ])
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            #expect(error?.batchIndex == 2)
            #expect(error?.statement == "insert")
            #expect(error?.constraint == "t_pkey")
            let count = try await pool.rows("SELECT count(*) FROM t").single()
            #expect(try count.int8(0) == 0)
        }
    }

    @Test func a_statement_that_does_not_parse_is_not_kept() async throws {
        try await withPool(size: 1) { pool, _ in
            for _ in 0..<2 {
                let error = await failure { () throws(PostgresError) in try await pool.rows("SELECT FROM WHERE") }
                #expect(error?.sqlState == .syntaxError)
            }
            let missing = await failure { () throws(PostgresError) in try await pool.rows("SELECT * FROM later") }
            #expect(missing?.sqlState == .undefinedTable)
            try await pool.script("CREATE TABLE later (n int8)")
            #expect(try await pool.rows("SELECT * FROM later").isEmpty)
        }
    }

    @Test func affected_rows_are_counted() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n int8); INSERT INTO t SELECT generate_series(1, 10)")
            let changed = try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.execute(Statement("change", "UPDATE t SET n = n + $1 WHERE n > 3"), [.int8(1)])
            }
            #expect(changed == 7)
        }
    }

    @Test func a_script_is_undone_from_its_failure_on() async throws {
        try await withPool(size: 1) { pool, _ in
            let error = await failure { () throws(PostgresError) in
                try await pool.script("CREATE TABLE a (n int8); INSERT INTO nowhere VALUES (1)")
            }
            #expect(error?.sqlState == .undefinedTable)
            let tables = try await pool.rows("SELECT 1 FROM pg_tables WHERE tablename = 'a'")
            #expect(tables.isEmpty)
        }
    }

    @Test func errors_leave_the_details_of_the_server_out_of_their_description() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (n text PRIMARY KEY); INSERT INTO t VALUES ('secret')")
            let error = await failure { () throws(PostgresError) in
                try await pool.rows("INSERT INTO t VALUES ($1)", [.text("secret")])
            }
            #expect(error?.detail?.contains("secret") == true)
            #expect(error.map { "\($0)".contains("secret") } == false)
        }
    }
}
