// Encodes values in the binary formats of PostgreSQL.

/// Writes values in the binary format of PostgreSQL's `*_send` and `*_recv` functions: big-endian, without lengths.
///
/// Source: PostgreSQL, `src/backend/utils/adt/*`, the functions named beside each type.
struct BinaryEncoder {
    /// Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's own epoch.
    static let epochOffset: Int64 = 946_684_800_000_000

    var bytes: [UInt8] = []

    mutating func integer(_ value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func bool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }

    mutating func double(_ value: Double) {
        integer(value.bitPattern)
    }

    mutating func text(_ value: String) {
        bytes.append(contentsOf: value.utf8)
    }

    /// `timestamptz_recv`. Times that 64 bits cannot shift to PostgreSQL's epoch become the lowest finite one, which
    /// the server refuses as out of range, instead of wrapping around to a valid time.
    mutating func timestamp(_ microseconds: Int64) {
        guard microseconds != .max, microseconds != .min else {
            integer(microseconds)
            return
        }
        let (shifted, overflow) = microseconds.subtractingReportingOverflow(Self.epochOffset)
        integer(overflow ? Int64.min + 1 : shifted)
    }

    /// `jsonb_recv`: a version byte, 1, and the text.
    mutating func jsonb(_ document: some Collection<UInt8>) {
        bytes.append(1)
        bytes.append(contentsOf: document)
    }

    /// `bit_recv`: the length in bits and the bytes, padded with zeros.
    mutating func bit(_ value: BitString) {
        integer(Int32(value.count))
        let end = bytes.count + (value.count + 7) / 8
        for word in value.words { integer(word) }
        bytes.removeLast(bytes.count - end)
    }

    /// `array_recv`: dimensions, has-null flag, element type, then length and lower bound of the dimension, and each
    /// element with its length. An empty array has no dimension.
    mutating func array<Element>(
        _ elements: [Element], of type: TypeOID, _ write: (inout BinaryEncoder, Element) -> Void
    ) {
        arrayHeader(count: elements.count, hasNull: false, of: type)
        for element in elements { withLength { write(&$0, element) } }
    }

    /// As `array`, with NULL for nil.
    mutating func arrayOptional<Element>(
        _ elements: [Element?], of type: TypeOID, _ write: (inout BinaryEncoder, Element) -> Void
    ) {
        arrayHeader(count: elements.count, hasNull: elements.contains { $0 == nil }, of: type)
        for element in elements {
            if let element {
                withLength { write(&$0, element) }
            } else {
                integer(Int32(-1))
            }
        }
    }

    /// As `array`, for values whose binary form is `prefix` followed by their bytes.
    mutating func array(_ column: ByteColumn, of type: TypeOID, prefix: [UInt8] = []) {
        arrayHeader(count: column.count, hasNull: column.nullCount > 0, of: type)
        bytes.reserveCapacity(bytes.count + column.bytes.count + (4 + prefix.count) * column.count)
        for index in 0..<column.count { element(column, index, prefix: prefix) }
    }

    /// As `array`, for the values that the columns have at `row`.
    mutating func array(_ columns: [ByteColumn], at row: Int, of type: TypeOID) {
        arrayHeader(count: columns.count, hasNull: columns.contains { $0.isNull(row) }, of: type)
        for column in columns { element(column, row, prefix: []) }
    }

    private mutating func element(_ column: ByteColumn, _ index: Int, prefix: [UInt8]) {
        guard let range = column.range(index) else { return integer(Int32(-1)) }
        integer(Int32(prefix.count + range.count))
        if !prefix.isEmpty { bytes += prefix }
        _ = column.append(index, to: &bytes)
    }

    /// Writes the output of `body`, preceded by its length.
    mutating func withLength(_ body: (inout BinaryEncoder) -> Void) {
        let start = bytes.count
        integer(Int32(0))
        body(&self)
        let length = UInt32(truncatingIfNeeded: bytes.count - start - 4)
        precondition(bytes.count - start - 4 <= Int(Int32.max), "a value of 2 GiB or more")
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
    }

    private mutating func arrayHeader(count: Int, hasNull: Bool, of type: TypeOID) {
        integer(Int32(count == 0 ? 0 : 1))
        integer(Int32(hasNull ? 1 : 0))
        integer(type.rawValue)
        guard count > 0 else { return }
        integer(Int32(count))
        integer(Int32(1))
    }
}
