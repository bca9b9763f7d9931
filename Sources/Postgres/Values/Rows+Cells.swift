// Reads single values of a result by row and column, without an object for each row.

extension Rows {
    /// Appends the bytes of a value in binary format to `output`.
    ///
    /// - Parameters:
    ///   - row: 0..<count.
    ///   - column: 0..<columnCount.
    ///   - prefix: the number of bytes to omit at the start of the value, at most its length.
    /// - Returns: false for NULL, which appends nothing.
    public func append(_ row: Int, _ column: Int, droppingFirst prefix: Int = 0, to output: inout [UInt8]) -> Bool {
        guard let bytes = unsafe field(row, column) else { return false }
        unsafe output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[prefix...]))
        return true
    }

    /// Whether a value in binary format equals the bytes of `other` in `range`; nil for NULL.
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

    /// The ranges of the elements of a `text[]` in its bytes, nil for NULL elements. A NULL column has no elements.
    ///
    /// - Parameter places: set to the ranges.
    /// - Throws: `.decode` when it is no `text[]`.
    public func texts(_ row: Int, _ column: Int, into places: inout [Range<Int>?]) throws(PostgresError) {
        places.removeAll(keepingCapacity: true)
        guard let bytes = unsafe field(row, column) else { return }
        guard unsafe BinaryDecoder.places(bytes, of: .texts, into: &places) else {
            throw PostgresError(.decode, "column \(column) does not hold a text[]")
        }
    }

    /// Whether the bytes of a value in `place` equal those of `other` in `range`. Nil means NULL, which equals NULL.
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
