// Simple queries: SQL text without parameters, and the ends of transactions.

import Base
import CPostgres

extension Connection {
    /// Runs SQL text by the simple protocol and returns its last result.
    func simple(_ sql: String) throws(PostgresError) -> ResultMemory {
        guard let result = unsafe PQexec(link, sql) else { throw note(linkError()) }
        let memory = unsafe ResultMemory(result)
        switch memory.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_COPY_IN, PGRES_COPY_OUT:
            return memory
        default:
            throw note(isBroken ? lost(memory.error) : memory.error)
        }
    }

    /// Sends an outstanding BEGIN and what was posted, for what cannot share a pipeline with them.
    func begin() throws(PostgresError) {
        if !outbox.isEmpty { _ = try pipeline([]) }
        guard !prologue.isEmpty else { return }
        try interrupt.enter()
        defer { interrupt.leave() }
        let sql = prologue.joined(separator: ";")
        prologue = []
        _ = try simple(sql)
    }

    /// Ends the transaction with COMMIT; nothing is sent if it never sent a statement.
    func commit() throws(PostgresError) {
        guard prologue.isEmpty || !outbox.isEmpty else {
            prologue = []
            return
        }
        try interrupt.enter()
        defer { interrupt.leave() }
        let tag: String?
        // A slow disk or a synchronous standby shows here.
        let start = MonotonicTime.now()
        let posted = outbox.map(\.0.name)
        defer { noteIfSlow(since: start) { posted + ["commit"] } }
        do {
            tag = try outbox.isEmpty ? simple("COMMIT").commandTag : commitPosted()
        } catch {
            guard error.code == .connectionLost else { throw error }
            throw PostgresError(.commitUnknown, error.message)
        }
        // The server answers ROLLBACK to the COMMIT of a transaction in which a statement had failed.
        guard tag == "COMMIT" else {
            throw failure ?? PostgresError(.server(.inFailedSQLTransaction), "the transaction was rolled back")
        }
    }

    /// Ends the transaction without a trace. Cannot be cancelled; a failure breaks the connection.
    func rollback() {
        prologue = []
        outbox = []
        guard !isBroken, inTransaction else { return }
        do {
            _ = try simple("ROLLBACK")
        } catch {
            isSpent = true
        }
    }
}
