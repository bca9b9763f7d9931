// Reads rows with COPY TO STDOUT in binary format.

import CPostgres

/// One row of a COPY, in the message that libpq received; freed with the last `Row` that refers to it.
@safe
final class CopyMemory: RowMemory, @unchecked Sendable {
    // @unchecked: nothing changes after `init`.
    private let message: UnsafeMutablePointer<CChar>
    /// The range of each field in the message; nil for NULL.
    private let fields: [Range<Int>?]

    /// Takes over `message`, which contains `fields`.
    init(_ message: UnsafeMutablePointer<CChar>, _ fields: [Range<Int>?]) {
        unsafe self.message = message
        self.fields = fields
    }

    deinit {
        unsafe PQfreemem(message)
    }

    override var columnCount: Int { fields.count }

    override func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard let range = fields[column] else { return nil }
        return unsafe UnsafeRawBufferPointer(start: message + range.lowerBound, count: range.count)
    }
}

/// Finds rows and fields in the messages of a binary COPY.
///
/// Source: PostgreSQL documentation, COPY, "Binary Format". The backend sends one row per message. The first message
/// also has the header.
struct CopyParser {
    enum Message: Equatable {
        case row([Range<Int>?])
        case end
        /// A message with the header and no row.
        case nothing
        case malformed
    }

    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
    private var hasHeader = false

    /// Parses the next message.
    mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Message {
        var position = 0
        if !hasHeader {
            guard bytes.count >= 19, unsafe bytes.starts(with: Self.signature) else { return .malformed }
            let extensionLength = Int(unsafe integer(bytes, at: 15, as: Int32.self))
            guard extensionLength >= 0, extensionLength <= bytes.count - 19 else { return .malformed }
            position = 19 + extensionLength
            hasHeader = true
        }
        if position == bytes.count { return .nothing }
        guard position + 2 <= bytes.count else { return .malformed }
        let count = unsafe integer(bytes, at: position, as: Int16.self)
        position += 2
        if count == -1 { return position == bytes.count ? .end : .malformed }
        guard count >= 0 else { return .malformed }
        var fields: [Range<Int>?] = []
        fields.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard position + 4 <= bytes.count else { return .malformed }
            let length = Int(unsafe integer(bytes, at: position, as: Int32.self))
            position += 4
            guard length != -1 else {
                fields.append(nil)
                continue
            }
            guard length >= 0, length <= bytes.count - position else { return .malformed }
            fields.append(position..<position + length)
            position += length
        }
        return position == bytes.count ? .row(fields) : .malformed
    }

    private func integer<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, at offset: Int, as: T.Type) -> T {
        unsafe T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension Connection {
    /// Reads rows with `COPY … TO STDOUT (FORMAT binary)`, one at a time: memory stays at one row.
    ///
    /// A COPY does not name its types: an accessor of another type than the column's is noticed only if the lengths
    /// differ. If `read` throws, the COPY is stopped. No other statement may run inside `read`.
    /// - Returns: the number of rows read.
    /// - Throws: errors of `read`, `.server`, `.connectionLost`, `.cancelled`.
    @discardableResult
    public func copyOut(
        _ statement: String, _ read: (Row) throws(PostgresError) -> Void
    ) throws(PostgresError) -> Int {
        try begin()
        try interrupt.enter()
        defer { interrupt.leave() }
        guard try runner.simple(statement).status == PGRES_COPY_OUT else {
            throw runner.note(PostgresError(.protocolViolation, "not a COPY TO STDOUT"))
        }
        var rows = CopyReader(link: link)
        do {
            while try rows.next(read) {}
        } catch {
            interrupt.stop()
            rows.drop()
            throw runner.note(error)
        }
        return try runner.finishCopy()
    }
}

/// Reads the rows of a COPY from its connection.
@safe
private struct CopyReader {
    let link: Link
    private var parser = CopyParser()

    init(link: Link) {
        self.link = link
    }

    /// Passes the next row to `read`.
    /// - Returns: false at the end of the COPY.
    mutating func next(_ read: (Row) throws(PostgresError) -> Void) throws(PostgresError) -> Bool {
        var message: UnsafeMutablePointer<CChar>?
        let length = Int(unsafe PQgetCopyData(link.pointer, &message, 0))
        guard length >= 0, let message = unsafe message else { return false }
        switch unsafe parser.parse(UnsafeRawBufferPointer(start: message, count: length)) {
        case .row(let fields):
            try read(Row(memory: unsafe CopyMemory(message, fields), index: 0))
        case .end, .nothing:
            unsafe PQfreemem(message)
        case .malformed:
            unsafe PQfreemem(message)
            throw PostgresError(.protocolViolation, "a malformed row of a COPY")
        }
        return true
    }

    /// Reads and drops the rest.
    func drop() {
        var message: UnsafeMutablePointer<CChar>?
        while unsafe PQgetCopyData(link.pointer, &message, 0) > 0 { unsafe PQfreemem(message) }
        while let result = unsafe PQgetResult(link.pointer) { unsafe PQclear(result) }
    }
}
