// Reads single values of a row by column: integers, text, bytea, timestamps and others.

extension Row {
    /// The `boolean` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func bool(_ column: Int) throws(PostgresError) -> Bool {
        try required(column, boolOrNil(column))
    }

    /// As `bool`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func boolOrNil(_ column: Int) throws(PostgresError) -> Bool? {
        try unsafe value(column, [.bool]) { unsafe BinaryDecoder.bool($0) }
    }

    /// The `smallint` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func int2(_ column: Int) throws(PostgresError) -> Int16 {
        try required(column, int2OrNil(column))
    }

    /// As `int2`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func int2OrNil(_ column: Int) throws(PostgresError) -> Int16? {
        try unsafe value(column, [.int2]) { unsafe BinaryDecoder.integer($0) }
    }

    /// The `integer` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func int4(_ column: Int) throws(PostgresError) -> Int32 {
        try required(column, int4OrNil(column))
    }

    /// As `int4`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func int4OrNil(_ column: Int) throws(PostgresError) -> Int32? {
        try unsafe value(column, [.int4]) { unsafe BinaryDecoder.integer($0) }
    }

    /// The `bigint` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func int8(_ column: Int) throws(PostgresError) -> Int64 {
        try required(column, int8OrNil(column))
    }

    /// As `int8`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func int8OrNil(_ column: Int) throws(PostgresError) -> Int64? {
        try unsafe value(column, [.int8]) { unsafe BinaryDecoder.integer($0) }
    }

    /// The `double precision` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func double(_ column: Int) throws(PostgresError) -> Double {
        try required(column, doubleOrNil(column))
    }

    /// As `double`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func doubleOrNil(_ column: Int) throws(PostgresError) -> Double? {
        try unsafe value(column, [.double]) { unsafe BinaryDecoder.double($0) }
    }

    /// The `text`, `varchar`, `char(n)`, `name` or enum value of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func text(_ column: Int) throws(PostgresError) -> String {
        try required(column, textOrNil(column))
    }

    /// As `text`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func textOrNil(_ column: Int) throws(PostgresError) -> String? {
        try unsafe value(column, .texts) { unsafe BinaryDecoder.text($0) }
    }

    /// The `bytea` of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] {
        try required(column, bytesOrNil(column))
    }

    /// As `bytes`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func bytesOrNil(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try unsafe value(column, [.bytea]) { unsafe BinaryDecoder.bytes($0) }
    }

    /// The `timestamptz` or `timestamp` of a column, microseconds since 1970-01-01 UTC; `Int64.max` and `.min` are
    /// infinite.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func timestamp(_ column: Int) throws(PostgresError) -> Int64 {
        try required(column, timestampOrNil(column))
    }

    /// As `timestamp`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func timestampOrNil(_ column: Int) throws(PostgresError) -> Int64? {
        try unsafe value(column, .timestamps) { unsafe BinaryDecoder.timestamp($0) }
    }

    /// The `jsonb` document of a column as UTF-8 text.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func jsonb(_ column: Int) throws(PostgresError) -> [UInt8] {
        try required(column, jsonbOrNil(column))
    }

    /// As `jsonb`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func jsonbOrNil(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try unsafe value(column, [.jsonb]) { unsafe BinaryDecoder.jsonb($0) }
    }

    /// The `bit(n)` or `bit varying` value of a column.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func bit(_ column: Int) throws(PostgresError) -> BitString {
        try required(column, bitOrNil(column))
    }

    /// As `bit`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func bitOrNil(_ column: Int) throws(PostgresError) -> BitString? {
        try unsafe value(column, [.bit, .varbit]) { unsafe BinaryDecoder.bit($0) }
    }
}
