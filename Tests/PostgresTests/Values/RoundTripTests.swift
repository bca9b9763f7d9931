// Parameters and results: every type, there and back through the server.

import Postgres
import TestSupport
import Testing

@Suite struct RoundTripTests {
    /// A value sent as a parameter, what the server makes of it as text, and whether it comes back the same.
    struct Case: Sendable, CustomTestStringConvertible {
        let parameter: Parameter
        let type: String
        /// The server's text form; nil where the server's own is not the point.
        let text: String?
        let isSame: @Sendable (Row) throws(PostgresError) -> Bool

        var testDescription: String { "\(type) \(text ?? "…")" }

        init(
            _ parameter: Parameter, _ type: String, _ text: String?,
            _ isSame: @escaping @Sendable (Row) throws(PostgresError) -> Bool
        ) {
            self.parameter = parameter
            self.type = type
            self.text = text
            self.isSame = isSame
        }
    }

    static let bigText = String(repeating: "größer ✓ ", count: 200_000)
    static let bits: BitString = BitString(count: 1024, setting: [0, 1, 7, 8, 63, 64, 1000, 1023])

    static let scalars: [Case] = [
        Case(.bool(true), "boolean", "true") { row throws(PostgresError) in try row.bool(0) == true },
        Case(.bool(false), "boolean", "false") { row throws(PostgresError) in try row.bool(0) == false },
        Case(.int2(.min), "smallint", "-32768") { row throws(PostgresError) in try row.int2(0) == .min },
        Case(.int2(.max), "smallint", "32767") { row throws(PostgresError) in try row.int2(0) == .max },
        Case(.int4(.min), "integer", "-2147483648") { row throws(PostgresError) in try row.int4(0) == .min },
        Case(.int4(-1), "integer", "-1") { row throws(PostgresError) in try row.int4(0) == -1 },
        Case(.int8(.max), "bigint", "9223372036854775807") { row throws(PostgresError) in try row.int8(0) == .max },
        Case(.int8(.min), "bigint", "-9223372036854775808") { row throws(PostgresError) in try row.int8(0) == .min },
        Case(.int8(0), "bigint", "0") { row throws(PostgresError) in try row.int8(0) == 0 },
        Case(.double(-0.1), "double precision", "-0.1") { row throws(PostgresError) in try row.double(0) == -0.1 },
        Case(.double(.infinity), "double precision", "Infinity") { row throws(PostgresError) in
            try row.double(0) == .infinity
        },
        Case(.double(.nan), "double precision", "NaN") { row throws(PostgresError) in try row.double(0).isNaN },
        Case(.text(""), "text", "") { row throws(PostgresError) in try row.text(0) == "" },
        Case(.text("a'b\"\\🎬"), "text", "a'b\"\\🎬") { row throws(PostgresError) in try row.text(0) == "a'b\"\\🎬" },
        Case(.text(bigText), "text", nil) { row throws(PostgresError) in try row.text(0) == bigText },
        Case(.bytes([]), "bytea", "\\x") { row throws(PostgresError) in try row.bytes(0) == [] },
        Case(.bytes([0, 255, 10]), "bytea", "\\x00ff0a") { row throws(PostgresError) in
            try row.bytes(0) == [0, 255, 10]
        },
        Case(.timestamp(0), "timestamptz", "1970-01-01 00:00:00+00") { row throws(PostgresError) in
            try row.timestamp(0) == 0
        },
        Case(.timestamp(-1), "timestamptz", "1969-12-31 23:59:59.999999+00") { row throws(PostgresError) in
            try row.timestamp(0) == -1
        },
        Case(.timestamp(.max), "timestamptz", "infinity") { row throws(PostgresError) in
            try row.timestamp(0) == .max
        },
        Case(.timestamp(.min), "timestamptz", "-infinity") { row throws(PostgresError) in
            try row.timestamp(0) == .min
        },
        Case(.jsonb(Array(#"{"a":[1,null]}"#.utf8)), "jsonb", #"{"a": [1, null]}"#) { row throws(PostgresError) in
            try row.jsonb(0) == Array(#"{"a": [1, null]}"#.utf8)
        },
        Case(.bit(BitString(count: 10, setting: [0, 9])), "bit(10)", "1000000001") { row throws(PostgresError) in
            try row.bit(0) == BitString(count: 10, setting: [0, 9])
        },
        Case(.bit(bits), "bit(1024)", bits.description) { row throws(PostgresError) in try row.bit(0) == bits },
        Case(.bit(BitString(count: 0)), "bit varying", "") { row throws(PostgresError) in
            try row.bit(0) == BitString(count: 0)
        },
    ]

    static let arrays: [Case] = [
        Case(.boolArray([true, false]), "boolean[]", "{t,f}") { row throws(PostgresError) in
            try row.boolArray(0) == [true, false]
        },
        Case(.int2Array([1, -2]), "smallint[]", "{1,-2}") { row throws(PostgresError) in
            try row.int2Array(0) == [1, -2]
        },
        Case(.int4Array([]), "integer[]", "{}") { row throws(PostgresError) in try row.int4Array(0) == [] },
        Case(.int4Array([.max]), "integer[]", "{2147483647}") { row throws(PostgresError) in
            try row.int4Array(0) == [.max]
        },
        Case(.int8Array([.min, 0]), "bigint[]", "{-9223372036854775808,0}") { row throws(PostgresError) in
            try row.int8Array(0) == [.min, 0]
        },
        Case(.int8Array([]), "bigint[]", "{}") { row throws(PostgresError) in try row.int8Array(0) == [] },
        Case(.int8ArrayOptional([1, nil]), "bigint[]", "{1,NULL}") { row throws(PostgresError) in
            try row.int8ArrayOptional(0) == [1, nil]
        },
        Case(.doubleArray([0.5]), "double precision[]", "{0.5}") { row throws(PostgresError) in
            try row.doubleArray(0) == [0.5]
        },
        Case(.textArray(["", "a,b", "NULL"]), "text[]", #"{"","a,b","NULL"}"#) { row throws(PostgresError) in
            try row.textArray(0) == ["", "a,b", "NULL"]
        },
        Case(.textArrayOptional([nil, "x"]), "text[]", "{NULL,x}") { row throws(PostgresError) in
            try row.textArray(0) == [nil, "x"]
        },
        Case(.textArray([]), "text[]", "{}") { row throws(PostgresError) in try row.textArray(0) == [] },
        Case(.bytesArray([[], [1]]), "bytea[]", #"{"\\x","\\x01"}"#) { row throws(PostgresError) in
            try row.bytesArray(0) == [[], [1]]
        },
        Case(.bytesArrayOptional([nil, [2]]), "bytea[]", #"{NULL,"\\x02"}"#) { row throws(PostgresError) in
            try row.bytesArrayOptional(0) == [nil, [2]]
        },
        Case(.timestampArray([0]), "timestamptz[]", #"{"1970-01-01 00:00:00+00"}"#) { row throws(PostgresError) in
            try row.timestampArray(0) == [0]
        },
        Case(.timestampArrayOptional([nil, 5]), "timestamptz[]", nil) { row throws(PostgresError) in
            try row.timestampArrayOptional(0) == [nil, 5]
        },
        Case(.jsonbArray([Array("1".utf8), Array("{}".utf8)]), "jsonb[]", #"{1,"{}"}"#) { row throws(PostgresError) in
            try row.jsonbArray(0) == [Array("1".utf8), Array("{}".utf8)]
        },
        Case(.jsonbArrayOptional([nil, Array("true".utf8)]), "jsonb[]", "{NULL,true}") { row throws(PostgresError) in
            try row.jsonbArrayOptional(0) == [nil, Array("true".utf8)]
        },
        Case(.bitArray([BitString(count: 3, setting: [2])]), "bit(3)[]", "{001}") { row throws(PostgresError) in
            try row.bitArray(0) == [BitString(count: 3, setting: [2])]
        },
    ]

    @Test func every_value_comes_back_as_it_was_sent() async throws {
        try await withPool { pool, _ in
            for test in Self.scalars + Self.arrays {
                let row = try await pool.rows("SELECT $1::\(test.type), $1::\(test.type)::text", [test.parameter])
                    .single()
                #expect(try test.isSame(row), "\(test.testDescription)")
                let text = try row.text(1)
                #expect(test.text == nil || text == test.text, "\(test.testDescription)")
            }
        }
    }

    @Test func null_is_nil_for_every_type() async throws {
        try await withPool { pool, _ in
            let row = try await pool.rows(
                "SELECT NULL::bool, NULL::int2, NULL::int4, NULL::int8, NULL::float8, NULL::text, NULL::bytea, "
                    + "NULL::timestamptz, NULL::jsonb, NULL::bit(4), NULL::text[], NULL::int8[], $1::int8",
                [.null]
            ).single()
            #expect(try row.boolOrNil(0) == nil)
            #expect(try row.int2OrNil(1) == nil)
            #expect(try row.int4OrNil(2) == nil)
            #expect(try row.int8OrNil(3) == nil)
            #expect(try row.doubleOrNil(4) == nil)
            #expect(try row.textOrNil(5) == nil)
            #expect(try row.bytesOrNil(6) == nil)
            #expect(try row.timestampOrNil(7) == nil)
            #expect(try row.jsonbOrNil(8) == nil)
            #expect(try row.bitOrNil(9) == nil)
            #expect(try row.textArrayOrNil(10) == nil)
            #expect(try row.int8ArrayOrNil(11) == nil)
            #expect(row.isNull(12))
            #expect(await failure { () throws(PostgresError) in try row.int8(3) }?.code == .decode)
        }
    }

    @Test func a_column_of_another_type_is_an_error() async throws {
        try await withPool { pool, _ in
            let row = try await pool.rows("SELECT 1::int4, 'x'::text, ARRAY[1, NULL]::int8[], '{{1}}'::int8[]").single()
            #expect(await failure { () throws(PostgresError) in try row.int8(0) }?.code == .decode)
            #expect(await failure { () throws(PostgresError) in try row.bytes(1) }?.code == .decode)
            #expect(await failure { () throws(PostgresError) in try row.int8Array(2) }?.code == .decode)
            #expect(await failure { () throws(PostgresError) in try row.int8Array(3) }?.code == .decode)
        }
    }

    @Test func an_enum_is_read_as_text() async throws {
        try await withPool { pool, _ in
            try await pool.script("CREATE TYPE mood AS ENUM ('calm')")
            #expect(try await pool.rows("SELECT 'calm'::mood").single().text(0) == "calm")
        }
    }

    @Test func bytes_can_be_read_in_place() async throws {
        try await withPool { pool, _ in
            let row = try await pool.rows("SELECT '\\x0102'::bytea, NULL::bytea").single()
            #expect(row.withBytes(0) { $0?.byteCount } == 2)
            #expect(row.withBytes(1) { $0?.byteCount } == nil)
        }
    }

    @Test func times_beyond_the_server_are_refused_and_never_wrap_around() async throws {
        try await withPool { pool, _ in
            let error = await failure { () throws(PostgresError) in
                try await pool.rows("SELECT $1::timestamptz", [.timestamp(.min + 1)])
            }
            #expect(error?.sqlState?.rawValue == "22008")
        }
    }

    @Test func rows_outlive_their_connection() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString))
            let rows = try await pool.rows("SELECT n FROM generate_series(1, 1000) AS n")
            await pool.close()
            #expect(try rows.map { (row) throws(PostgresError) in try row.int4(0) } == Array(1...1000))
        }
    }
}
