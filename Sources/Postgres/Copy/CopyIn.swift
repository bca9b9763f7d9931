// Writes rows with COPY FROM STDIN in binary format.

import Base
import CPostgres

/// The fields of one row, appended in the order of the columns.
public struct CopyFields: ~Copyable {
    fileprivate var encoder = BinaryEncoder()
    fileprivate var count = 0

    /// Appends a value of any type.
    public mutating func append(_ value: Parameter) {
        count += 1
        guard value != .null else {
            encoder.integer(Int32(-1))
            return
        }
        encoder.withLength { value.encode(into: &$0) }
    }

    /// Appends NULL.
    public mutating func null() {
        count += 1
        encoder.integer(Int32(-1))
    }

    /// Appends a `boolean`.
    public mutating func bool(_ value: Bool) {
        count += 1
        encoder.integer(Int32(1))
        encoder.bool(value)
    }

    /// Appends a `smallint`.
    public mutating func int2(_ value: Int16) {
        count += 1
        encoder.integer(Int32(2))
        encoder.integer(value)
    }

    /// Appends an `integer`.
    public mutating func int4(_ value: Int32) {
        count += 1
        encoder.integer(Int32(4))
        encoder.integer(value)
    }

    /// Appends a `bigint`.
    public mutating func int8(_ value: Int64) {
        count += 1
        encoder.integer(Int32(8))
        encoder.integer(value)
    }

    /// Appends a `double precision`.
    public mutating func double(_ value: Double) {
        count += 1
        encoder.integer(Int32(8))
        encoder.double(value)
    }

    /// Appends a `text`.
    public mutating func text(_ value: String) {
        count += 1
        encoder.withLength { $0.text(value) }
    }

    /// Appends a `bytea`, or any value whose binary form the caller has made.
    public mutating func bytes(_ value: [UInt8]) {
        count += 1
        encoder.withLength { $0.bytes.append(contentsOf: value) }
    }

    /// Appends a `timestamptz`, microseconds since 1970-01-01 UTC.
    public mutating func timestamp(_ microseconds: Int64) {
        count += 1
        encoder.integer(Int32(8))
        encoder.timestamp(microseconds)
    }

    /// Appends a `jsonb`, the UTF-8 text of a document.
    public mutating func jsonb(_ document: [UInt8]) {
        count += 1
        encoder.withLength { $0.jsonb(document) }
    }

    /// Appends a `bit(n)`.
    public mutating func bit(_ value: BitString) {
        count += 1
        encoder.withLength { $0.bit(value) }
    }

    /// Appends a `bigint[]`.
    public mutating func int8Array(_ values: [Int64]) {
        count += 1
        encoder.withLength { $0.array(values, of: .int8) { $0.integer($1) } }
    }

    /// Appends a `text[]`.
    public mutating func textArray(_ values: [String]) {
        count += 1
        encoder.withLength { $0.array(values, of: .text) { $0.text($1) } }
    }

    /// Appends a value whose binary form the caller has made, such as a `uuid`; NULL for nil.
    public mutating func value(_ bytes: ArraySlice<UInt8>?) {
        guard let bytes else { return null() }
        count += 1
        encoder.integer(Int32(bytes.count))
        encoder.bytes.append(contentsOf: bytes)
    }

    /// Appends a `jsonb`, the UTF-8 text of a document; NULL for nil.
    public mutating func jsonb(_ document: ArraySlice<UInt8>?) {
        guard let document else { return null() }
        count += 1
        encoder.integer(Int32(1 + document.count))
        encoder.jsonb(document)
    }

    /// Appends a `text[]` of the values that the columns have at `row`.
    public mutating func textArray(_ columns: [ByteColumn], at row: Int) {
        count += 1
        encoder.withLength { $0.array(columns, at: row, of: .text) }
    }

    /// Appends a `text[]` with NULLs.
    public mutating func textArrayOptional(_ values: [String?]) {
        count += 1
        encoder.withLength { $0.arrayOptional(values, of: .text) { $0.text($1) } }
    }
}

/// Sends rows to a COPY. Exists inside `Connection.copyIn` only.
@safe
public struct CopyWriter: ~Copyable {
    /// Rows are sent in pieces of this size: fewer system calls, and no more memory than this and one row.
    private static let chunkBytes = 64 << 10
    /// Source: PostgreSQL documentation, COPY, "Binary Format": signature, flags, length of the header extension.
    private static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [0, 0, 0, 0, 0, 0, 0, 0]

    private var fields = CopyFields()
    private let connection: Connection

    fileprivate init(_ connection: Connection) {
        self.connection = connection
        fields.encoder.bytes.reserveCapacity(Self.chunkBytes + 4096)
        fields.encoder.bytes.append(contentsOf: Self.header)
    }

    /// Sends one row, whose fields `fill` appends: as many as the COPY has columns.
    /// - Throws: `.connectionLost`, `.cancelled`. The server reports a refused row at the end of the COPY.
    public mutating func row(_ fill: (inout CopyFields) -> Void) throws(PostgresError) {
        let start = fields.encoder.bytes.count
        fields.encoder.integer(Int16(0))
        fields.count = 0
        fill(&fields)
        precondition(fields.count <= 1600, "PostgreSQL tables have at most 1,600 columns")
        fields.encoder.bytes[start] = UInt8(fields.count >> 8)
        fields.encoder.bytes[start + 1] = UInt8(fields.count & 0xFF)
        if fields.encoder.bytes.count >= Self.chunkBytes { try flush() }
    }

    fileprivate mutating func end() throws(PostgresError) {
        fields.encoder.integer(Int16(-1))
        try flush()
    }

    private mutating func flush() throws(PostgresError) {
        if connection.interrupt.isRequested { throw PostgresError(.cancelled, "the task was cancelled during COPY") }
        let count = Int32(fields.encoder.bytes.count)
        let code = unsafe fields.encoder.bytes.withUnsafeBytes { buffer in
            unsafe PQputCopyData(
                connection.link.pointer, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), count)
        }
        guard code == 1 else { throw connection.runner.note(connection.link.error()) }
        fields.encoder.bytes.removeAll(keepingCapacity: true)
    }
}

extension Connection {
    /// Writes rows with `COPY … FROM STDIN (FORMAT binary)`.
    ///
    /// If `write` throws, the COPY is abandoned and has no effect. No other statement may run inside `write`.
    /// - Returns: the number of rows written.
    /// - Throws: errors of `write`, `.server` when the server refuses a row, `.connectionLost`, `.cancelled`.
    @discardableResult
    public func copyIn(
        _ statement: String, _ write: (inout CopyWriter) throws(PostgresError) -> Void
    ) throws(PostgresError) -> Int {
        try begin()
        try interrupt.enter()
        defer { interrupt.leave() }
        let start = MonotonicTime.now()
        defer { slowStatements.note(since: start) { [String(statement.prefix { $0 != "(" })] } }
        guard try runner.simple(statement).status == PGRES_COPY_IN else {
            throw runner.note(PostgresError(.protocolViolation, "not a COPY FROM STDIN"))
        }
        var writer = CopyWriter(self)
        do {
            try write(&writer)
            try writer.end()
        } catch {
            unsafe PQputCopyEnd(link.pointer, "abandoned by the client")
            // The server's answer repeats that the COPY was abandoned; the reason is in `error`.
            while let result = unsafe PQgetResult(link.pointer) { unsafe PQclear(result) }
            throw runner.note(error)
        }
        guard unsafe PQputCopyEnd(link.pointer, nil) == 1 else { throw runner.note(link.error()) }
        return try runner.finishCopy()
    }
}
