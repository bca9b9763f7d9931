// Runs the transactions of the use cases, and passes on what a commit means to the rest of the process.

import Feature
import Postgres
import Store

/// What all transactions of a process share: the connections, the caches, and the tasks that a commit wakes.
final class TransactionContext: Sendable {
    let pool: Pool
    let catalogs = CatalogCache()
    let definitions = DefinitionCache()
    let tallies = WorkTallies()
    /// Tasks that wait for work.
    let waiters = Waiters()
    /// Work that other processes have not been notified of.
    let notices = UnsentNotices()
    /// Tasks that wait for changes.
    let readers = Waiters()

    init(pool: Pool) {
        self.pool = pool
    }
}

/// Runs transactions for a caller that sees certain projects.
struct TransactionRunner: Sendable {
    private let context: TransactionContext
    /// The projects that the caller sees.
    let visibleProjects: VisibleProjects

    init(_ context: TransactionContext, _ visibleProjects: VisibleProjects) {
        self.context = context
        self.visibleProjects = visibleProjects
    }

    /// The connections, for statements that need no catalog.
    var pool: Pool { context.pool }

    /// This process's copy of the graph.
    var catalogs: CatalogCache { context.catalogs }

    /// Runs a transaction that changes something, under the registry lock.
    ///
    /// - Parameters:
    ///   - exclusive: true for a push.
    ///   - retries: how often the transaction may run again after a collision with another.
    /// - Throws: what `body` throws; `.unavailable`.
    /// - Complexity: two round trips besides those of `body`.
    func change<T: Sendable>(
        exclusive: Bool = false, retries: Int = 5,
        _ body: @escaping @Sendable (inout ServiceTransaction) throws(ServiceError) -> T
    ) async throws(ServiceError) -> T {
        let once = IdempotentRequest.current
        let (value, awakened, tally, isNoted) = try await pool.transaction(retries: retries) {
            [self] (connection) throws(ServiceError) -> (T, [FeatureID: ReadyWork], WorkTally, Bool) in
            let catalog = try stored { () throws(StoreError) in
                try catalogs.catalog(at: Registry(connection).lock(exclusive: exclusive), connection)
            }
            var transaction = transaction(connection, catalog)
            let value = try body(&transaction)
            try once?.keep(value, connection)
            let awakened = try transaction.conclude()
            return (value, awakened, transaction.tally, transaction.isNoted)
        }
        context.tallies.add(tally)
        context.waiters.wake(awakened)
        context.notices.add(awakened)
        if isNoted { context.readers.wakeAll() }
        return value
    }

    /// Runs a transaction that only reads, all of it as of one moment.
    ///
    /// - Throws: what `body` throws; `.unavailable`.
    /// - Complexity: two round trips besides those of `body`.
    func read<T: Sendable>(
        _ body: @escaping @Sendable (ServiceTransaction) throws(ServiceError) -> T
    ) async throws(ServiceError) -> T {
        try await pool.transaction(isolation: .repeatableRead, readOnly: true) {
            [self] (connection) throws(ServiceError) -> T in
            let catalog = try stored { () throws(StoreError) in
                try catalogs.catalog(at: Registry(connection).revision(), connection)
            }
            return try body(transaction(connection, catalog))
        }
    }

    private func transaction(_ connection: Connection, _ catalog: Catalog) -> ServiceTransaction {
        ServiceTransaction(connection, catalog, context.definitions, visibleProjects)
    }
}
