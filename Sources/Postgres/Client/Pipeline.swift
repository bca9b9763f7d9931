// Pipeline: sends statements in libpq's pipeline mode and collects their results.

import Base
import CPostgres

extension Connection {
    /// One message of a pipeline; the server answers each of them in order.
    private enum Step {
        case begin
        case release(String)
        case prepare(Statement)
        case execute(Int)
        case commit
    }

    /// What a pipeline has brought so far.
    private struct Outcome {
        var rows: [Rows] = []
        var error: PostgresError?
        /// Statements that were to be prepared but were not, because something before them failed.
        var unprepared: [Statement] = []
        /// What the server answered to COMMIT, where that was sent.
        var commandTag: String?
    }

    /// Runs what was posted and then a batch, of which it returns the rows.
    func run(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        guard !outbox.isEmpty else { return try timed(batch) }
        let posted = outbox
        outbox = []
        do {
            return Array(try timed(posted + batch).dropFirst(posted.count))
        } catch {
            throw error.moved(by: posted.count, to: batch.count)
        }
    }

    /// Runs what was posted, and COMMIT with it.
    ///
    /// - Returns: what the server answered to COMMIT.
    func commitPosted() throws(PostgresError) -> String? {
        let posted = outbox
        outbox = []
        let outcome = runOnce(posted, isLast: true)
        if let error = outcome.error { throw error.moved(by: posted.count, to: 0) }
        return outcome.commandTag
    }

    /// Runs a batch; once more if a cached plan turned out stale where nothing can have happened yet.
    ///
    /// The server refuses a prepared statement whose result type a migration has changed (0A000), and a pooler may
    /// have dropped it (26000). Outside a transaction the failed batch left no trace, so it is prepared anew and run.
    private func timed(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        guard configuration.slowStatement != nil else { return try attempt(batch) }
        let start = MonotonicTime.now()
        defer { noteIfSlow(since: start) { batch.map(\.0.name) } }
        return try attempt(batch)
    }

    /// Tells of what was begun at `start` and has just ended, if it took long.
    func noteIfSlow(since start: MonotonicTime, _ names: () -> [String]) {
        let duration = MonotonicTime.now() - start
        guard let limit = configuration.slowStatement, duration >= limit else { return }
        configuration.observe(.slowStatements(names: names(), duration: duration, caller: caller))
    }

    private func attempt(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
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

    private func usesCache(_ statement: Statement) -> Bool {
        configuration.preparedStatements && statement.prepare
    }

    private func runOnce(_ batch: [(Statement, [Parameter])], isLast: Bool = false) -> Outcome {
        var outcome = Outcome()
        guard unsafe PQenterPipelineMode(link) == 1 else {
            outcome.error = note(linkError())
            return outcome
        }
        outcome.rows.reserveCapacity(batch.count)
        var steps: [Step] = []
        steps.reserveCapacity(batch.count + 1)
        if send(batch, &steps), !isLast || sendCommit(&steps), unsafe PQpipelineSync(link) == 1 {
            receive(steps, batch, &outcome)
        } else {
            outcome.error = linkError()
        }
        if unsafe PQexitPipelineMode(link) == 0 {
            // Answers that nobody expects may still arrive: the session is of no more use.
            outcome.error = outcome.error ?? linkError()
            isSpent = true
        }
        if isBroken { outcome.error = lost(outcome.error) }
        for statement in outcome.unprepared { statements.remove(statement) }
        outcome.error = outcome.error.map { note($0) }
        return outcome
    }

    /// Queues the messages of a batch, preceded by an outstanding BEGIN; false when the connection failed.
    private func send(_ batch: [(Statement, [Parameter])], _ steps: inout [Step]) -> Bool {
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
                guard unsafe PQsendPrepare(link, plan.serverName, statement.sql, Int32(types.count), types) == 1
                else { return false }
            }
            steps.append(.execute(index))
            guard sendPrepared(plan.serverName) else { return false }
        }
        return true
    }

    private func sendCommit(_ steps: inout [Step]) -> Bool {
        steps.append(.commit)
        return sendPlain("COMMIT")
    }

    private func sendPlain(_ sql: String) -> Bool {
        unsafe PQsendQueryParams(link, sql, 0, nil, nil, nil, nil, 1) == 1
    }

    private func sendReleases(_ steps: inout [Step]) -> Bool {
        for name in statements.discarded where !isReleased(name, steps) {
            steps.append(.release(name))
            // Names are made of a statement's name and a number; quotes in the former are doubled.
            let quoted = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            guard sendPlain("DEALLOCATE \"\(quoted)\"") else { return false }
        }
        return true
    }

    /// Whether the release of a statement was sent with this pipeline already.
    private func isReleased(_ name: String, _ steps: [Step]) -> Bool {
        steps.contains { step in
            if case .release(name) = step { true } else { false }
        }
    }

    private func sendUnnamed(_ statement: Statement) -> Bool {
        let (types, lengths, formats) = (parameters.types, parameters.lengths, parameters.formats)
        return unsafe parameters.withPointers { values in
            unsafe PQsendQueryParams(
                link, statement.sql, Int32(types.count), types, values, lengths, formats, 1) == 1
        }
    }

    private func sendPrepared(_ serverName: String) -> Bool {
        let (lengths, formats) = (parameters.lengths, parameters.formats)
        return unsafe parameters.withPointers { values in
            unsafe PQsendQueryPrepared(link, serverName, Int32(lengths.count), values, lengths, formats, 1) == 1
        }
    }

    /// Reads the answer to each step and the synchronisation point behind them.
    private func receive(_ steps: [Step], _ batch: [(Statement, [Parameter])], _ outcome: inout Outcome) {
        for step in steps {
            while let result = unsafe PQgetResult(link) {
                accept(step, unsafe ResultMemory(result), batch, &outcome)
            }
            if isBroken { return }
        }
        while let result = unsafe PQgetResult(link) {
            let status = unsafe PQresultStatus(result)
            unsafe PQclear(result)
            if status == PGRES_PIPELINE_SYNC || isBroken { return }
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
            if case .execute(let index) = step { locate(&error, index, batch) }
            if case .prepare(let statement) = step, let index = batch.firstIndex(where: { $0.0 == statement }) {
                locate(&error, index, batch)
            }
            outcome.error = error
        }
    }

    private func locate(_ error: inout PostgresError, _ index: Int, _ batch: [(Statement, [Parameter])]) {
        error.statement = batch[index].0.name
        if batch.count > 1 { error.batchIndex = index }
    }
}

extension PostgresError {
    /// The error with its place in a batch of `count` that `offset` others were sent before; none where it is of these,
    /// or where there is nothing to tell apart.
    fileprivate func moved(by offset: Int, to count: Int) -> PostgresError {
        var error = self
        error.batchIndex = batchIndex.flatMap { $0 >= offset && count > 1 ? $0 - offset : nil }
        return error
    }
}
