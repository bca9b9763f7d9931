// The memory of a query result or a COPY row, freed with the last reference.

import CPostgres

/// Memory of libpq that holds rows in binary format, freed with the last reference.
class RowMemory: @unchecked Sendable {
    // @unchecked: the subclasses own memory that nobody writes while a row refers to it.
    var columnCount: Int { 0 }

    /// The bytes of a field, nil for NULL; valid while this object lives. `row` and `column` are in range.
    func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? { nil }

    /// The type of a column, nil when the source does not say (COPY).
    func type(of column: Int) -> TypeOID? { nil }
}

/// The rows of one query result.
@safe
final class ResultMemory: RowMemory, @unchecked Sendable {
    // @unchecked: a PGresult is read-only once made, and libpq allows any thread to read and free it
    // (PostgreSQL documentation, 34.20 "Behavior in Threaded Programs").
    private let result: OpaquePointer
    let rowCount: Int
    private let columns: Int

    /// Takes over `result`.
    init(_ result: OpaquePointer) {
        unsafe self.result = result
        self.rowCount = Int(unsafe PQntuples(result))
        self.columns = Int(unsafe PQnfields(result))
    }

    deinit {
        unsafe PQclear(result)
    }

    override var columnCount: Int { columns }

    override func field(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        let length = Int(unsafe PQgetlength(result, Int32(row), Int32(column)))
        if length == 0, unsafe PQgetisnull(result, Int32(row), Int32(column)) == 1 { return nil }
        return unsafe UnsafeRawBufferPointer(start: PQgetvalue(result, Int32(row), Int32(column)), count: length)
    }

    override func type(of column: Int) -> TypeOID? {
        TypeOID(rawValue: unsafe PQftype(result, Int32(column)))
    }

    /// The number in the command tag (`UPDATE 5`): rows changed, or rows returned by SELECT.
    var affectedRows: Int {
        guard let digits = unsafe PQcmdTuples(result) else { return 0 }
        return unsafe Int(String(cString: digits)) ?? 0
    }

    /// The command tag, as `COMMIT`.
    var commandTag: String {
        unsafe PQcmdStatus(result).map { unsafe String(cString: $0) } ?? ""
    }

    var status: ExecStatusType {
        unsafe PQresultStatus(result)
    }

    /// The message of a failed result.
    var message: String {
        unsafe PQresultErrorMessage(result).map { unsafe String(cString: $0).oneLine } ?? ""
    }

    /// A field of a failed result.
    func field(_ field: DiagnosticField) -> String? {
        unsafe PQresultErrorField(result, Int32(field.rawValue.value)).map { unsafe String(cString: $0) }
    }
}
