// COPY in both directions.

import Postgres
import Testing

@Suite struct CopyTests {
    static let into = "COPY t (id, name, at, tags, doc) FROM STDIN (FORMAT binary)"
    static let out = "COPY (SELECT id, name, at, tags, doc FROM t ORDER BY id) TO STDOUT (FORMAT binary)"
    static let table = "CREATE TABLE t (id int8 PRIMARY KEY, name text, at timestamptz, tags text[], doc jsonb)"

    static func write(_ rows: Range<Int64>, to writer: inout CopyWriter) throws(PostgresError) {
        for id in rows {
            try writer.row { row in
                row.int8(id)
                if id % 10 == 0 { row.null() } else { row.text("name \(id)") }
                row.timestamp(id * 1_000_000)
                row.textArrayOptional(["a", nil, "\(id)"])
                row.append(.jsonb(Array(#"{"id": \#(id)}"#.utf8)))
            }
        }
    }

    @Test func a_hundred_thousand_rows_go_in_and_come_out() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(Self.table)
            let (written, read, differences) = try await pool.withConnection { (connection) throws(PostgresError) in
                let written = try connection.copyIn(Self.into) { (writer) throws(PostgresError) in
                    try Self.write(0..<100_000, to: &writer)
                }
                var (expected, differences) = (Int64(0), 0)
                let read = try connection.copyOut(Self.out) { (row) throws(PostgresError) in
                    let (id, name, at) = (try row.int8(0), try row.textOrNil(1), try row.timestamp(2))
                    let (tags, document) = (try row.textArray(3), try row.jsonb(4))
                    let isSame =
                        id == expected && name == (expected % 10 == 0 ? nil : "name \(expected)")
                        && at == expected * 1_000_000 && tags == ["a", nil, "\(expected)"]
                        && document == Array(#"{"id": \#(expected)}"#.utf8)
                    if !isSame { differences += 1 }
                    expected += 1
                }
                return (written, read, differences)
            }
            #expect(written == 100_000)
            #expect(read == 100_000)
            #expect(differences == 0)
        }
    }

    @Test func every_kind_of_field_arrives() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(
                "CREATE TABLE k (a bool, b int2, c int4, d float8, e bytea, f jsonb, g bit(9), h int8[], i text[])")
            let bits = BitString(count: 9, setting: [0, 8])
            try await pool.withConnection { (connection) throws(PostgresError) in
                _ = try connection.copyIn("COPY k FROM STDIN (FORMAT binary)") { (writer) throws(PostgresError) in
                    try writer.row { row in
                        row.bool(true)
                        row.int2(-2)
                        row.int4(4)
                        row.double(0.5)
                        row.bytes([1, 2])
                        row.jsonb(Array("[]".utf8))
                        row.bit(bits)
                        row.int8Array([1, 2])
                        row.textArray([])
                    }
                }
            }
            let row = try await pool.rows("SELECT * FROM k").single()
            #expect(try row.bool(0))
            #expect(try row.int2(1) == -2)
            #expect(try row.int4(2) == 4)
            #expect(try row.double(3) == 0.5)
            #expect(try row.bytes(4) == [1, 2])
            #expect(try row.jsonb(5) == Array("[]".utf8))
            #expect(try row.bit(6) == bits)
            #expect(try row.int8Array(7) == [1, 2])
            #expect(try row.textArray(8) == [])
        }
    }

    @Test func no_rows_are_a_copy_too() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(Self.table)
            let (written, read) = try await pool.withConnection { (connection) throws(PostgresError) in
                (try connection.copyIn(Self.into) { _ in }, try connection.copyOut(Self.out) { _ in })
            }
            #expect(written == 0)
            #expect(read == 0)
        }
    }

    @Test func an_abandoned_copy_has_no_effect_and_the_connection_goes_on() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(Self.table)
            let mine = PostgresError(.decode, "mine")
            let error = await failure { () throws(PostgresError) in
                try await pool.withConnection { (connection) throws(PostgresError) in
                    _ = try connection.copyIn(Self.into) { (writer) throws(PostgresError) in
                        try Self.write(0..<5000, to: &writer)
                        throw mine
                    }
                }
            }
            #expect(error == mine)
            let count = try await pool.rows("SELECT count(*) FROM t").single()
            #expect(try count.int8(0) == 0)
            #expect(pool.statistics.connectsTotal == 1)
        }
    }

    @Test func a_refused_row_fails_the_copy() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(Self.table)
            let error = await failure { () throws(PostgresError) in
                try await pool.withConnection { (connection) throws(PostgresError) in
                    _ = try connection.copyIn(Self.into) { (writer) throws(PostgresError) in
                        try Self.write(0..<100, to: &writer)
                        try Self.write(5..<6, to: &writer)
                    }
                }
            }
            #expect(error?.sqlState == .uniqueViolation)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }

    @Test func reading_can_stop_early() async throws {
        try await withPool(size: 1) { pool, _ in
            let enough = PostgresError(.decode, "enough")
            let error = await failure { () throws(PostgresError) in
                try await pool.withConnection { (connection) throws(PostgresError) in
                    let endless = "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT (FORMAT binary)"
                    _ = try connection.copyOut(endless) { (row) throws(PostgresError) in
                        if try row.int4(0) == 100 { throw enough }
                    }
                }
            }
            #expect(error == enough)
            let next = try await pool.rows("SELECT 1")
            #expect(next.count == 1)
            #expect(pool.statistics.connectsTotal == 1)
        }
    }

    @Test func a_copy_can_be_part_of_a_transaction() async throws {
        try await withPool(size: 1) { pool, _ in
            try await pool.script(Self.table)
            let undo = PostgresError(.decode, "undo")
            let error = await failure { () throws(PostgresError) in
                try await pool.transaction { (connection) throws(PostgresError) in
                    let written = try connection.copyIn(Self.into) { (writer) throws(PostgresError) in
                        try Self.write(0..<10, to: &writer)
                    }
                    if written == 10 { throw undo }
                }
            }
            #expect(error == undo)
            #expect(try await pool.rows("SELECT 1 FROM t").isEmpty)
        }
    }
}
