// Sends statements to PostgreSQL in libpq's pipeline mode, one round trip a batch, and collects their results.

import Base
import CPostgres

/// Runs batches of statements on one session, and prepares those that are used again.
@safe
final class StatementRunner {
    /// One message of a pipeline; the server answers each of them in order.
    private enum Step {
        case begin
        case release(String)
        case prepare(Statement)
        case execute(Int)
        case commit
    }

    /// The results of a batch.
    struct Outcome {
        var rows: [Rows] = []
        var error: PostgresError?
        /// Statements whose preparation was skipped, because something before them failed.
        var unprepared: [Statement] = []
        /// The server's answer to COMMIT, where that was sent.
        var commandTag: String?
    }

    let link: Link
    private let interrupt: Interrupt
    private let prepares: Bool
    private var statements: StatementCache
    private var parameters = EncodedParameters()
    /// The commands to run before the first statement of a transaction; empty when no BEGIN is outstanding.
    var prologue: [String] = []
    /// The first failure since the transaction began.
    var failure: PostgresError?

    init(_ link: Link, _ configuration: PoolConfiguration, _ interrupt: Interrupt) {
        self.link = link
        self.interrupt = interrupt
        prepares = configuration.preparedStatements
        statements = StatementCache(capacity: configuration.preparedStatementsMax)
    }

    /// Whether a transaction is open, or begins with the next statement.
    var inTransaction: Bool {
        !prologue.isEmpty || link.hasTransaction
    }

    /// Runs a batch, and runs it again if a cached plan turned out stale where nothing can have happened yet.
    ///
    /// The server refuses a prepared statement whose result type a migration has changed (0A000), and a pooler may
    /// have dropped it (26000). Outside a transaction the failed batch left no trace, so it is prepared anew and run.
    func run(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        let isAlone = !inTransaction
        let first = runOnce(batch)
        guard let error = first.error else { return first.rows }
        let isStale = error.sqlState == .featureNotSupported || error.sqlState == .invalidSQLStatementName
        let statement = batch[error.batchIndex ?? 0].0
        guard isStale, usesCache(statement) else { throw error }
        statements.forget(statement)
        guard isAlone else { throw error }
        failure = nil
        let second = runOnce(batch)
        if let error = second.error { throw error }
        return second.rows
    }

    /// Runs a batch, and COMMIT with it if it is the last of its transaction.
    func runOnce(_ batch: [(Statement, [Parameter])], isLast: Bool = false) -> Outcome {
        var outcome = Outcome()
        guard unsafe PQenterPipelineMode(link.pointer) == 1 else {
            outcome.error = note(link.error())
            return outcome
        }
        outcome.rows.reserveCapacity(batch.count)
        var steps: [Step] = []
        steps.reserveCapacity(batch.count + 1)
        if send(batch, isLast: isLast, &steps), unsafe PQpipelineSync(link.pointer) == 1 {
            receive(steps, batch, &outcome)
        } else {
            outcome.error = link.error()
        }
        if unsafe PQexitPipelineMode(link.pointer) == 0 {
            // Answers that nobody expects may still arrive: the session is of no more use.
            outcome.error = outcome.error ?? link.error()
            link.spend()
        }
        if link.isBroken { outcome.error = link.lost(outcome.error) }
        for statement in outcome.unprepared { statements.remove(statement) }
        outcome.error = outcome.error.map { note($0) }
        return outcome
    }

    /// Runs SQL text by the simple protocol and returns its last result.
    func simple(_ sql: String) throws(PostgresError) -> ResultMemory {
        guard let result = unsafe PQexec(link.pointer, sql) else { throw note(link.error()) }
        let memory = unsafe ResultMemory(result)
        switch memory.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_COPY_IN, PGRES_COPY_OUT:
            return memory
        default:
            throw note(link.isBroken ? link.lost(memory.error) : memory.error)
        }
    }

    /// Reads the results behind a COPY and returns its number of rows.
    func finishCopy() throws(PostgresError) -> Int {
        var rows = 0
        var error: PostgresError?
        while let result = unsafe PQgetResult(link.pointer) {
            let memory = unsafe ResultMemory(result)
            if memory.status == PGRES_COMMAND_OK {
                rows = memory.affectedRows
            } else if error == nil {
                error = memory.error
            }
            if link.isBroken { break }
        }
        if link.isBroken { throw note(link.lost(error)) }
        if let error { throw note(error) }
        return rows
    }

    /// Turns the error of a statement that was cancelled on request into `.cancelled`, and keeps the first failure.
    func note(_ error: PostgresError) -> PostgresError {
        var error = error
        if error.sqlState == .queryCanceled && interrupt.isRequested { error.code = .cancelled }
        if failure == nil { failure = error }
        return error
    }

    private func usesCache(_ statement: Statement) -> Bool {
        prepares && statement.prepare
    }

    // MARK: Sending

    /// Queues the messages of a batch between an outstanding BEGIN and a COMMIT.
    /// - Returns: false when the connection failed.
    private func send(_ batch: [(Statement, [Parameter])], isLast: Bool, _ steps: inout [Step]) -> Bool {
        for sql in prologue {
            steps.append(.begin)
            guard sendPlain(sql) else { return false }
        }
        prologue = []
        for (index, (statement, values)) in batch.enumerated() {
            parameters.encode(values)
            guard usesCache(statement) else {
                steps.append(.execute(index))
                guard sendUnnamed(statement) else { return false }
                continue
            }
            let plan = statements.plan(statement, types: parameters.types)
            if plan.prepare {
                guard sendReleases(&steps) else { return false }
                steps.append(.prepare(statement))
                let types = statements.types(of: statement)
                let count = Int32(types.count)
                guard unsafe PQsendPrepare(link.pointer, plan.serverName, statement.sql, count, types) == 1
                else { return false }
            }
            steps.append(.execute(index))
            guard sendPrepared(plan.serverName) else { return false }
        }
        guard isLast else { return true }
        steps.append(.commit)
        return sendPlain("COMMIT")
    }

    private func sendPlain(_ sql: String) -> Bool {
        unsafe PQsendQueryParams(link.pointer, sql, 0, nil, nil, nil, nil, 1) == 1
    }

    /// Has the server drop the statements that nobody uses any more.
    private func sendReleases(_ steps: inout [Step]) -> Bool {
        for name in statements.discarded where !Self.isReleased(name, steps) {
            steps.append(.release(name))
            // A name consists of a statement's name and a number; quotes in the former are doubled.
            let quoted = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            guard sendPlain("DEALLOCATE \"\(quoted)\"") else { return false }
        }
        return true
    }

    /// Whether this pipeline already releases a statement.
    private static func isReleased(_ name: String, _ steps: [Step]) -> Bool {
        steps.contains { step in
            if case .release(name) = step { true } else { false }
        }
    }

    private func sendUnnamed(_ statement: Statement) -> Bool {
        let (types, lengths, formats) = (parameters.types, parameters.lengths, parameters.formats)
        return unsafe parameters.withPointers { values in
            unsafe PQsendQueryParams(
                link.pointer, statement.sql, Int32(types.count), types, values, lengths, formats, 1) == 1
        }
    }

    private func sendPrepared(_ serverName: String) -> Bool {
        let (lengths, formats) = (parameters.lengths, parameters.formats)
        return unsafe parameters.withPointers { values in
            unsafe PQsendQueryPrepared(
                link.pointer, serverName, Int32(lengths.count), values, lengths, formats, 1) == 1
        }
    }

    // MARK: Receiving

    /// Reads the answer to each step and the synchronisation point behind them.
    private func receive(_ steps: [Step], _ batch: [(Statement, [Parameter])], _ outcome: inout Outcome) {
        for step in steps {
            while let result = unsafe PQgetResult(link.pointer) {
                accept(step, unsafe ResultMemory(result), batch, &outcome)
            }
            if link.isBroken { return }
        }
        while let result = unsafe PQgetResult(link.pointer) {
            let status = unsafe PQresultStatus(result)
            unsafe PQclear(result)
            if status == PGRES_PIPELINE_SYNC || link.isBroken { return }
        }
    }

    private func accept(
        _ step: Step, _ memory: ResultMemory, _ batch: [(Statement, [Parameter])], _ outcome: inout Outcome
    ) {
        switch memory.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            if case .execute = step { outcome.rows.append(Rows(memory: memory)) }
            if case .release(let name) = step { statements.released(name) }
            if case .commit = step { outcome.commandTag = memory.commandTag }
        case PGRES_PIPELINE_ABORTED:
            if case .prepare(let statement) = step { outcome.unprepared.append(statement) }
        default:
            if case .prepare(let statement) = step { outcome.unprepared.append(statement) }
            guard outcome.error == nil else { return }
            var error = memory.error
            if case .execute(let index) = step { Self.locate(&error, index, batch) }
            if case .prepare(let statement) = step, let index = batch.firstIndex(where: { $0.0 == statement }) {
                Self.locate(&error, index, batch)
            }
            outcome.error = error
        }
    }

    private static func locate(_ error: inout PostgresError, _ index: Int, _ batch: [(Statement, [Parameter])]) {
        error.statement = batch[index].0.name
        if batch.count > 1 { error.batchIndex = index }
    }
}
