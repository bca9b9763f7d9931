// Receives the notices of a PostgreSQL session, and recognises the announcement of its end.

import CPostgres

/// Carries `PoolConfiguration.observe` to libpq's notice receiver, which would print to stderr otherwise.
final class NoticeObserver {
    private let observe: @Sendable (PostgresEvent) -> Void
    /// Whether the server has announced the end of the session.
    private(set) var hasFarewell = false

    init(_ observe: @escaping @Sendable (PostgresEvent) -> Void) {
        self.observe = observe
    }

    /// Reports a notice; libpq frees `result` itself.
    func receive(_ result: OpaquePointer) {
        let field = { (field: DiagnosticField) in
            unsafe PQresultErrorField(result, Int32(field.rawValue.value)).map { unsafe String(cString: $0) } ?? ""
        }
        let severity = field(.severity)
        // Outside a statement an error arrives as a notice, and always ends the session.
        if severity == "FATAL" || severity == "PANIC" { hasFarewell = true }
        observe(.notice(severity: severity, message: field(.message)))
    }
}
