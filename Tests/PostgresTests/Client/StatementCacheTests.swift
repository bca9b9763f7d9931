// StatementCache: what is prepared, again prepared, and given up.

import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
    let a = Statement("a", "SELECT $1"), b = Statement("b", "SELECT $1"), c = Statement("c", "SELECT $1")

    @Test func a_statement_is_prepared_once() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.plan(a, types: [20]).prepare)
        #expect(!cache.plan(a, types: [20]).prepare)
    }

    @Test func null_fits_any_type() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.plan(a, types: [20, 25]).prepare)
        #expect(!cache.plan(a, types: [0, 25]).prepare)
        #expect(!cache.plan(a, types: [20, 0]).prepare)
    }

    @Test func a_first_use_with_null_is_corrected_by_the_next() {
        var cache = StatementCache(capacity: 2)
        let first = cache.plan(a, types: [0, 25])
        let second = cache.plan(a, types: [20, 0])
        #expect(second.prepare)
        #expect(second.serverName != first.serverName)
        #expect(cache.types(of: a) == [20, 25])
        #expect(cache.discarded == [first.serverName])
        #expect(!cache.plan(a, types: [20, 25]).prepare)
    }

    @Test func the_least_recently_used_is_given_up() {
        var cache = StatementCache(capacity: 2)
        _ = cache.plan(a, types: [])
        let old = cache.plan(b, types: [])
        _ = cache.plan(a, types: [])
        _ = cache.plan(c, types: [])
        #expect(cache.discarded == [old.serverName])
        #expect(!cache.plan(a, types: []).prepare)
        #expect(cache.plan(b, types: []).prepare)
        cache.released(old.serverName)
        #expect(!cache.discarded.contains(old.serverName))
        #expect(cache.count == 2)
    }

    @Test func a_connection_keeps_no_more_statements_than_allowed() async throws {
        try await withPool(size: 1, { $0.preparedStatementsMax = 3 }) { pool, _ in
            for round in 0..<4 {
                for number in 0..<5 {
                    let rows = try await pool.withConnection { (connection) throws(PostgresError) in
                        try connection.query(Statement("n\"\(number)", "SELECT \(number)::int4 + $1::int4"), [.int4(1)])
                    }
                    #expect(try rows.single().int4(0) == Int32(number + 1), "round \(round)")
                }
            }
            let kept = try await pool.withConnection { (connection) throws(PostgresError) in
                let count = Statement("count", "SELECT count(*) FROM pg_prepared_statements", prepare: false)
                return try connection.query(count).single().int8(0)
            }
            // The one that the last eviction discarded is dropped with the next statement that is prepared.
            #expect(kept <= 4)
        }
    }

    @Test func a_parameter_may_change_its_type_between_uses() async throws {
        try await withPool(size: 1) { pool, _ in
            for parameter in [Parameter.null, .int8(5), .int4(6), .null, .int8(7)] {
                let rows = try await pool.rows("SELECT $1::bigint", [parameter])
                let expected: Int64? =
                    switch parameter {
                    case .int8(let value): value
                    case .int4(let value): Int64(value)
                    default: nil
                    }
                #expect(try rows.single().int8OrNil(0) == expected)
            }
        }
    }

    @Test func a_plan_made_stale_by_a_migration_is_prepared_anew() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
            #expect(try await pool.rows("SELECT * FROM t").single().columnCount == 1)
            try await pool.script("ALTER TABLE t ADD COLUMN b int4 DEFAULT 2")
            #expect(try await pool.rows("SELECT * FROM t").single().columnCount == 2)
        }
    }

    @Test func without_prepared_statements_nothing_is_kept_on_the_server() async throws {
        try await withPool(size: 1, { $0.preparedStatements = false }) { pool, _ in
            for number in Int64(0)..<3 {
                let echo = try await pool.rows("SELECT $1::int8", [.int8(number)]).single()
                #expect(try echo.int8(0) == number)
            }
            let kept = try await pool.rows("SELECT count(*) FROM pg_prepared_statements").single()
            #expect(try kept.int8(0) == 0)
        }
    }
}
