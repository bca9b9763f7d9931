// Connection: one session with the server, used on one thread.

import CPostgres

/// An open session. It is synchronous and blocks its thread; callers get it inside `Pool.withConnection` only.
///
/// Every statement outside `Pool.transaction` commits by itself. A failed statement inside a transaction makes every
/// later one fail until the body throws.
@safe
public final class Connection {
    /// libpq's connection; its memory lives as long as this object.
    let link: OpaquePointer
    let configuration: PoolConfiguration
    let interrupt: Interrupt
    var statements: StatementCache
    var parameters = EncodedParameters()
    /// What to run before the first statement of a transaction; empty when no BEGIN is outstanding.
    var prologue: [String] = []
    /// What was posted and has yet to be sent.
    var outbox: [(Statement, [Parameter])] = []
    /// Whom it works for at the moment, for the log.
    var caller: String?
    /// The first failure since the transaction began.
    var failure: PostgresError?
    /// Whether the session must be closed although it is still open.
    var isSpent = false
    /// Receives notices for as long as the session lives.
    let notices: NoticeObserver

    init(adopting link: OpaquePointer, configuration: PoolConfiguration, interrupt: Interrupt) {
        unsafe self.link = link
        self.configuration = configuration
        self.interrupt = interrupt
        self.notices = NoticeObserver(configuration.observe)
        self.statements = StatementCache(capacity: configuration.preparedStatementsMax)
        unsafe interrupt.attach(link)
    }

    deinit {
        unsafe interrupt.attach(nil)
        unsafe PQfinish(link)
    }

    /// Runs a statement and returns its rows.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`.
    public func query(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) -> Rows {
        let results = try pipeline([(statement, parameters)])
        guard let rows = results.first else {
            throw PostgresError(.protocolViolation, "a statement without a result", statement: statement.name)
        }
        return rows
    }

    /// Runs a statement.
    /// - Returns: the rows that it changed.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`.
    @discardableResult
    public func execute(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) -> Int {
        try query(statement, parameters).affectedRows
    }

    /// Runs SQL text of one or several statements without parameters, as one implicit transaction unless it contains
    /// transaction commands; for migrations and DDL.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`; the statements before the failed one are rolled back.
    public func script(_ sql: String) throws(PostgresError) {
        try begin()
        try interrupt.enter()
        defer { interrupt.leave() }
        _ = try simple(sql)
    }

    /// Runs statements in order with one round trip.
    ///
    /// Outside a transaction the batch is one: all of it or nothing.
    /// - Returns: the rows of each statement.
    /// - Throws: `.server` with `batchIndex` of the statement that failed, `.connectionLost`, `.cancelled`.
    public func pipeline(_ batch: [(Statement, [Parameter])]) throws(PostgresError) -> [Rows] {
        guard !batch.isEmpty || !outbox.isEmpty else { return [] }
        try interrupt.enter()
        defer { interrupt.leave() }
        return try run(batch)
    }

    /// Runs a statement for its effect, and not at once: it travels with the next one of the transaction, or with its
    /// COMMIT, and costs no round trip of its own.
    ///
    /// It runs before the statement that it travels with, whose caller gets its failure. Outside a transaction there is
    /// nothing to wait for, and it runs at once.
    /// - Throws: `.server`, `.connectionLost`, `.cancelled`, where it runs at once or many were posted already.
    public func post(_ statement: Statement, _ parameters: [Parameter] = []) throws(PostgresError) {
        guard inTransaction else {
            _ = try query(statement, parameters)
            return
        }
        outbox.append((statement, parameters))
        if outbox.count >= Self.postedMax { _ = try pipeline([]) }
    }

    /// Statements that are kept back at most: their parameters are in memory for so long.
    private static let postedMax = 16

    /// Whether a transaction is open, or begins with the next statement.
    public var inTransaction: Bool {
        unsafe !prologue.isEmpty || PQtransactionStatus(link) != PQTRANS_IDLE
    }

    /// Whether the session has ended or is in a state that nothing but closing it leaves.
    var isBroken: Bool {
        unsafe isSpent || PQstatus(link) == CONNECTION_BAD
    }
}
