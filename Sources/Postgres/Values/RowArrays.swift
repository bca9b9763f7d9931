// Reads array columns of a row: text[], bigint[], bytea[] and others.

extension Row {
    /// The `text[]`, `varchar[]` or `name[]` of a column, with its NULLs.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func textArray(_ column: Int) throws(PostgresError) -> [String?] {
        try required(column, textArrayOrNil(column))
    }

    /// As `textArray`, nil for NULL.
    /// - Throws: `.decode` when it has another type.
    public func textArrayOrNil(_ column: Int) throws(PostgresError) -> [String?]? {
        try unsafe array(column, .textArrays, of: .texts) { unsafe BinaryDecoder.text($0) }
    }

    /// The `text[]` of a column as one buffer; it holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func textColumn(_ column: Int) throws(PostgresError) -> ByteColumn {
        var texts = ByteColumn()
        let elements: [Void]? = try complete(
            column,
            unsafe array(column, .textArrays, of: .texts) { bytes -> Void? in
                unsafe texts.append(bytes)
                return ()
            })
        _ = try required(column, elements)
        return texts
    }

    /// The `boolean[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func boolArray(_ column: Int) throws(PostgresError) -> [Bool] {
        try required(
            column, complete(column, unsafe array(column, [.boolArray], of: [.bool]) { unsafe BinaryDecoder.bool($0) }))
    }

    /// The `smallint[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func int2Array(_ column: Int) throws(PostgresError) -> [Int16] {
        try required(
            column,
            complete(column, unsafe array(column, [.int2Array], of: [.int2]) { unsafe BinaryDecoder.integer($0) }))
    }

    /// The `integer[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func int4Array(_ column: Int) throws(PostgresError) -> [Int32] {
        try required(column, int4ArrayOrNil(column))
    }

    /// As `int4Array`, nil for NULL.
    /// - Throws: `.decode` when it has another type or holds a NULL.
    public func int4ArrayOrNil(_ column: Int) throws(PostgresError) -> [Int32]? {
        try complete(column, unsafe array(column, [.int4Array], of: [.int4]) { unsafe BinaryDecoder.integer($0) })
    }

    /// The `bigint[]` of a column, with its NULLs.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func int8ArrayOptional(_ column: Int) throws(PostgresError) -> [Int64?] {
        try required(column, unsafe array(column, [.int8Array], of: [.int8]) { unsafe BinaryDecoder.integer($0) })
    }

    /// The `bigint[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func int8Array(_ column: Int) throws(PostgresError) -> [Int64] {
        try required(column, int8ArrayOrNil(column))
    }

    /// As `int8Array`, nil for NULL.
    /// - Throws: `.decode` when it has another type or holds a NULL.
    public func int8ArrayOrNil(_ column: Int) throws(PostgresError) -> [Int64]? {
        try complete(column, unsafe array(column, [.int8Array], of: [.int8]) { unsafe BinaryDecoder.integer($0) })
    }

    /// The `double precision[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func doubleArray(_ column: Int) throws(PostgresError) -> [Double] {
        try required(
            column,
            complete(column, unsafe array(column, [.doubleArray], of: [.double]) { unsafe BinaryDecoder.double($0) }))
    }

    /// The `bytea[]` of a column, with its NULLs.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func bytesArrayOptional(_ column: Int) throws(PostgresError) -> [[UInt8]?] {
        try required(column, unsafe array(column, [.byteaArray], of: [.bytea]) { unsafe BinaryDecoder.bytes($0) })
    }

    /// The `bytea[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func bytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
        try required(
            column,
            complete(column, unsafe array(column, [.byteaArray], of: [.bytea]) { unsafe BinaryDecoder.bytes($0) }))
    }

    /// The `timestamptz[]` of a column, with its NULLs.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func timestampArrayOptional(_ column: Int) throws(PostgresError) -> [Int64?] {
        try required(
            column, unsafe array(column, .timestampArrays, of: .timestamps) { unsafe BinaryDecoder.timestamp($0) })
    }

    /// The `timestamptz[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func timestampArray(_ column: Int) throws(PostgresError) -> [Int64] {
        try required(
            column,
            complete(
                column, unsafe array(column, .timestampArrays, of: .timestamps) { unsafe BinaryDecoder.timestamp($0) }))
    }

    /// The `jsonb[]` of a column, with its NULLs.
    /// - Throws: `.decode` when it has another type or is NULL.
    public func jsonbArrayOptional(_ column: Int) throws(PostgresError) -> [[UInt8]?] {
        try required(column, unsafe array(column, [.jsonbArray], of: [.jsonb]) { unsafe BinaryDecoder.jsonb($0) })
    }

    /// The `jsonb[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func jsonbArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
        try required(
            column,
            complete(column, unsafe array(column, [.jsonbArray], of: [.jsonb]) { unsafe BinaryDecoder.jsonb($0) }))
    }

    /// The `bit(n)[]` of a column, which holds no NULL.
    /// - Throws: `.decode` when it has another type, is NULL or holds a NULL.
    public func bitArray(_ column: Int) throws(PostgresError) -> [BitString] {
        try required(
            column, complete(column, unsafe array(column, [.bitArray], of: [.bit]) { unsafe BinaryDecoder.bit($0) }))
    }

    private func array<Element>(
        _ column: Int, _ types: [TypeOID], of elements: [TypeOID],
        _ read: (UnsafeRawBufferPointer) -> Element?
    ) throws(PostgresError) -> [Element?]? {
        try unsafe value(column, types) { unsafe BinaryDecoder.array($0, of: elements, read) }
    }

    private func complete<Element>(_ column: Int, _ values: [Element?]?) throws(PostgresError) -> [Element]? {
        guard let values else { return nil }
        var result: [Element] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let value else { throw PostgresError(.decode, "the array in column \(column) holds a NULL") }
            result.append(value)
        }
        return result
    }
}
