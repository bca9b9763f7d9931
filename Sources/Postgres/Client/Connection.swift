// One session with PostgreSQL: runs statements one at a time, in pipelines, and in transactions.

import Base

/// An open session. It is synchronous and blocks its thread; callers get it inside `Pool.withConnection` only.
///
/// Every statement outside `Pool.transaction` commits by itself. A failed statement inside a transaction makes every
/// later one fail until the body throws.
public final class Connection {
    /// Statements that are kept back at most: their parameters stay in memory that long.
    private static let postedMax = 16

    let link: Link
    let configuration: PoolConfiguration
    let interrupt: Interrupt
    let runner: StatementRunner
    var slowStatements: SlowStatements
    /// Posted statements that have yet to be sent.
    private var outbox: [(Statement, [Parameter])] = []

    /// Opens a session. Blocks until the server answers or the connect timeout passes.
    /// - Throws: `.connectFailed` with libpq's reason.
    init(opening configuration: PoolConfiguration, interrupt: Interrupt) throws(PostgresError) {
        link = try Link(configuration)
        self.configuration = configuration
        self.interrupt = interrupt
        runner = StatementRunner(link, configuration, interrupt)
        slowStatements = SlowStatements(limit: configuration.slowStatement, observe: configuration.observe)
        interrupt.attach(link)
    }

    deinit {
        interrupt.attach(nil)
    }

    /// Runs a statement and returns its rows.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`.
    /// - Complexity: one round trip.
    public func query(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) -> Rows {
        let results = try pipeline([(statement, parameters)])
        guard let rows = results.first else {
            throw PostgresError(.protocolViolation, "a statement without a result", statement: statement.name)
        }
        return rows
    }

    /// Runs a statement.
    /// - Returns: the number of rows that it changed.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`.
    /// - Complexity: one round trip.
    @discardableResult
    public func execute(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) -> Int {
        try query(statement, parameters).affectedRows
    }

    /// Runs SQL text of one or several statements without parameters, for migrations and DDL. The text is one implicit
    /// transaction unless it contains transaction commands.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`; the statements before the failed one are rolled back.
    /// - Complexity: one round trip, and one for an outstanding BEGIN.
    public func script(_ sql: String) throws(PostgresError) {
        try begin()
        try interrupt.enter()
        defer { interrupt.leave() }
        _ = try runner.simple(sql)
    }

    /// Runs statements in order with one round trip.
    ///
    /// Outside a transaction the batch is one transaction: all of it takes effect, or nothing.
    /// - Returns: the rows of each statement.
    /// - Throws: `.server` with `batchIndex` of the statement that failed, `.connectionLost`, `.cancelled`.
    /// - Complexity: one round trip.
    public func pipeline(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        guard !batch.isEmpty || !outbox.isEmpty else { return [] }
        try interrupt.enter()
        defer { interrupt.leave() }
        guard !outbox.isEmpty else { return try timed(batch) }
        let posted = outbox
        outbox = []
        do {
            return Array(try timed(posted + batch).dropFirst(posted.count))
        } catch {
            throw error.moved(by: posted.count, to: batch.count)
        }
    }

    private func timed(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        guard slowStatements.limit != nil else { return try runner.run(batch) }
        let start = MonotonicTime.now()
        defer { slowStatements.note(since: start) { batch.map(\.0.name) } }
        return try runner.run(batch)
    }

    /// Posts a statement for its effect. It is sent with the next statement of the transaction or with its COMMIT, and
    /// costs no round trip of its own.
    ///
    /// The statement runs before the one that it is sent with, whose caller gets its failure. Outside a transaction it
    /// runs at once.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`, where it runs at once or many were posted already.
    public func post(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) {
        guard inTransaction else {
            _ = try query(statement, parameters)
            return
        }
        outbox.append((statement, parameters))
        if outbox.count >= Self.postedMax { _ = try pipeline([]) }
    }

    /// Whether a transaction is open, or begins with the next statement.
    public var inTransaction: Bool { runner.inTransaction }

    /// Whether the session has ended, or is in a state that only closing it leaves.
    var isBroken: Bool { link.isBroken }

    // MARK: Transactions

    /// Sends an outstanding BEGIN and the posted statements, before commands that cannot share a pipeline with them.
    func begin() throws(PostgresError) {
        if !outbox.isEmpty { _ = try pipeline([]) }
        guard !runner.prologue.isEmpty else { return }
        try interrupt.enter()
        defer { interrupt.leave() }
        let sql = runner.prologue.joined(separator: ";")
        runner.prologue = []
        _ = try runner.simple(sql)
    }

    /// Ends the transaction with COMMIT; sends nothing if the transaction never sent a statement.
    func commit() throws(PostgresError) {
        guard runner.prologue.isEmpty || !outbox.isEmpty else {
            runner.prologue = []
            return
        }
        try interrupt.enter()
        defer { interrupt.leave() }
        let tag: String?
        // A slow disk or a synchronous standby shows here.
        let start = MonotonicTime.now()
        let posted = outbox.map(\.0.name)
        defer { slowStatements.note(since: start) { posted + ["commit"] } }
        do {
            tag = try outbox.isEmpty ? runner.simple("COMMIT").commandTag : commitPosted()
        } catch {
            guard error.code == .connectionLost else { throw error }
            throw PostgresError(.commitUnknown, error.message)
        }
        // The server answers ROLLBACK to the COMMIT of a transaction in which a statement had failed.
        guard tag == "COMMIT" else {
            throw runner.failure
                ?? PostgresError(.server(.inFailedSQLTransaction), "the transaction was rolled back")
        }
    }

    /// Runs the posted statements together with COMMIT.
    ///
    /// - Returns: the server's answer to COMMIT.
    private func commitPosted() throws(PostgresError) -> String? {
        let posted = outbox
        outbox = []
        let outcome = runner.runOnce(posted, isLast: true)
        if let error = outcome.error { throw error.moved(by: posted.count, to: 0) }
        return outcome.commandTag
    }

    /// Rolls the transaction back. Cannot be cancelled; a failure makes the session unusable.
    func rollback() {
        runner.prologue = []
        outbox = []
        guard !isBroken, inTransaction else { return }
        do {
            _ = try runner.simple("ROLLBACK")
        } catch {
            link.spend()
        }
    }
}

extension PostgresError {
    /// The error with its index in the last `count` statements of a batch, after `offset` others; without an index
    /// where it is one of the others, or where there is only one statement.
    fileprivate func moved(by offset: Int, to count: Int) -> PostgresError {
        var error = self
        error.batchIndex = batchIndex.flatMap { $0 >= offset && count > 1 ? $0 - offset : nil }
        return error
    }
}
