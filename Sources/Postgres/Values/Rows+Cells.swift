// Values of rows by position, for loops over many rows: no object a row, and nothing generic to be looked up.

extension Rows {
    /// Appends the bytes of a value in binary format to `output`.
    ///
    /// - Parameters:
    ///   - row: 0..<count.
    ///   - column: 0..<columnCount.
    ///   - prefix: how many bytes at its start are left out; at most as many as it has.
    /// - Returns: false for NULL, of which nothing is appended.
    public func append(_ row: Int, _ column: Int, droppingFirst prefix: Int = 0, to output: inout [UInt8]) -> Bool {
        guard let bytes = unsafe field(row, column) else { return false }
        unsafe output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[prefix...]))
        return true
    }

    /// Whether the bytes of a value in binary format are those of `other` in `range`; nil for NULL.
    public func equals(_ row: Int, _ column: Int, _ other: [UInt8], in range: Range<Int>) -> Bool? {
        guard let bytes = unsafe field(row, column) else { return nil }
        guard bytes.count == range.count else { return false }
        return unsafe other.withUnsafeBytes { unsafe $0[range].elementsEqual(bytes) }
    }

    /// The `bigint` of a column; nil for NULL.
    ///
    /// - Throws: `.decode` when it has another length.
    public func int8(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        guard let bytes = unsafe field(row, column) else { return nil }
        guard let value: Int64 = unsafe BinaryDecoder.integer(bytes) else {
            throw PostgresError(.decode, "column \(column) does not hold a bigint")
        }
        return value
    }

    /// The `smallint` of a column; nil for NULL.
    ///
    /// - Throws: `.decode` when it has another length.
    public func int2(_ row: Int, _ column: Int) throws(PostgresError) -> Int16? {
        guard let bytes = unsafe field(row, column) else { return nil }
        guard let value: Int16 = unsafe BinaryDecoder.integer(bytes) else {
            throw PostgresError(.decode, "column \(column) does not hold a smallint")
        }
        return value
    }

    /// Where the elements of a `text[]` lie in its bytes, nil for NULL; of no elements where the column is NULL.
    ///
    /// - Parameter places: emptied first.
    /// - Throws: `.decode` when it is no `text[]`.
    public func texts(_ row: Int, _ column: Int, into places: inout [Range<Int>?]) throws(PostgresError) {
        places.removeAll(keepingCapacity: true)
        guard let bytes = unsafe field(row, column) else { return }
        guard unsafe BinaryDecoder.places(bytes, of: .texts, into: &places) else {
            throw PostgresError(.decode, "column \(column) does not hold a text[]")
        }
    }

    /// Whether the bytes of a value in `place` are those of `other` in `range`; both may be nil, for NULL.
    public func equals(
        _ row: Int, _ column: Int, at place: Range<Int>?, _ other: [UInt8], in range: Range<Int>?
    ) -> Bool {
        guard let place, let range else { return place == nil && range == nil }
        guard place.count == range.count, let bytes = unsafe field(row, column) else { return false }
        return unsafe other.withUnsafeBytes { unsafe $0[range].elementsEqual(bytes[place]) }
    }

    /// Whether the column is NULL.
    public func isNull(_ row: Int, _ column: Int) -> Bool { unsafe field(row, column) == nil }

    private func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        precondition(row >= 0 && row < memory.rowCount && column >= 0 && column < memory.columnCount)
        return unsafe memory.field(row, column)
    }
}
