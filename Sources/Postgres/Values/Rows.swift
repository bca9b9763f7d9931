// The rows of a query result, read in place.

/// The rows of a query. They stay in libpq's memory, which is freed with the last `Rows` or `Row` that refers to it.
public struct Rows: RandomAccessCollection, Sendable {
    let memory: ResultMemory

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { memory.rowCount }
    /// The number of columns.
    public var columnCount: Int { memory.columnCount }
    /// The rows that an INSERT, UPDATE, DELETE or MERGE changed, or that a SELECT returned.
    public var affectedRows: Int { memory.affectedRows }

    /// The row at `position`, in `0..<count`.
    public subscript(position: Int) -> Row {
        precondition(position >= 0 && position < memory.rowCount, "row index out of range")
        return Row(memory: memory, index: position)
    }

    /// The only row.
    /// - Throws: `.decode` when there is not exactly one row.
    public func single() throws(PostgresError) -> Row {
        guard count == 1 else { throw PostgresError(.decode, "expected one row, got \(count)") }
        return self[0]
    }
}

/// One row. Columns are counted from 0. Values are copied only when they are read.
///
/// Every accessor throws `.decode` when the column has another type than requested. Accessors without `OrNil` also
/// throw when the column is NULL. A column that does not exist is a bug of the caller and stops the program.
public struct Row: Sendable {
    let memory: RowMemory
    let index: Int

    /// The number of columns.
    public var columnCount: Int { memory.columnCount }

    /// Whether the column is NULL.
    public func isNull(_ column: Int) -> Bool {
        unsafe field(column) == nil
    }

    /// Calls `body` with the bytes of the column in binary format and without a copy; nil for NULL.
    public func withBytes<T, E: Error>(_ column: Int, _ body: (RawSpan?) throws(E) -> T) throws(E) -> T {
        guard let bytes = unsafe field(column) else { return try body(nil) }
        return try body(unsafe bytes.bytes)
    }

    private func field(_ column: Int) -> UnsafeRawBufferPointer? {
        precondition(column >= 0 && column < memory.columnCount, "column index out of range")
        return unsafe memory.field(index, column)
    }

    /// The value of a column of one of `types`, read by `read`; nil for NULL.
    func value<T>(
        _ column: Int, _ types: [TypeOID], _ read: (UnsafeRawBufferPointer) -> T?
    ) throws(PostgresError) -> T? {
        if let actual = memory.type(of: column), !types.contains(actual) {
            guard actual.isUserDefined, types.contains(.text) else {
                throw PostgresError(.decode, "column \(column) has type \(actual.rawValue), not \(T.self)")
            }
        }
        guard let bytes = unsafe field(column) else { return nil }
        guard let value = unsafe read(bytes) else {
            throw PostgresError(.decode, "column \(column) does not hold a \(T.self)")
        }
        return value
    }

    /// As `value`, for columns that are never NULL.
    func required<T>(_ column: Int, _ value: T?) throws(PostgresError) -> T {
        guard let value else { throw PostgresError(.decode, "column \(column) is NULL, expected \(T.self)") }
        return value
    }
}
