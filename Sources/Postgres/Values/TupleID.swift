// The physical address of a row version (ctid).

/// The physical address of a row version, PostgreSQL's `tid`. It is valid until the row changes or its table is
/// rewritten.
public struct TupleID: Hashable, Sendable {
    let block: UInt32
    let offset: UInt16
}

extension Rows {
    /// The `tid` of a column; nil for NULL.
    ///
    /// - Throws: `.decode` when it is none.
    public func tupleID(_ row: Int, _ column: Int) throws(PostgresError) -> TupleID? {
        var bytes: [UInt8] = []
        guard append(row, column, to: &bytes) else { return nil }
        guard bytes.count == 6 else { throw PostgresError(.decode, "column \(column) does not hold a tid") }
        return TupleID(
            block: bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) },
            offset: bytes[4...].reduce(0) { $0 << 8 | UInt16($1) })
    }
}

extension BinaryEncoder {
    /// `tidrecv`: the block and the index within the block.
    mutating func tupleID(_ value: TupleID) {
        integer(value.block)
        integer(value.offset)
    }
}
