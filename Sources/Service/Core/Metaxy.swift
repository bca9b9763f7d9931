// The service: its database, its copy of the graph, and those who wait for work.

import Feature
public import Postgres
import Store
import Synchronization

/// The use cases of the server. One instance serves a process; any number of processes share a database.
///
/// Nothing here is truth: the graph is a copy that every transaction checks against the registry's revision.
///
/// A value is the service as somebody with a certain visibleProjects sees it; all values made from one share its state.
public struct Metaxy: Sendable {
    let state: ServiceState
    /// The projects whose features, records and claims there are, for whoever uses this.
    private(set) var visibleProjects = VisibleProjects.everything

    /// The service over a database whose schema is current.
    ///
    /// - Parameter random: a number in 0..<1, for delays that must not fall together.
    public init(pool: Pool, random: @escaping @Sendable () -> Double) {
        state = ServiceState(pool: pool, random: random)
    }

    /// The same service as somebody sees it who sees only some projects.
    public func seeing(_ visibleProjects: VisibleProjects) -> Metaxy {
        var seen = self
        seen.visibleProjects = visibleProjects
        return seen
    }

    /// Whether the process is about to stop: waiting claims answer at once, and no new one waits.
    public var isDraining: Bool { state.draining.load(ordering: .acquiring) }

    /// Ends all waiting; to be called before the server stops taking requests.
    public func drain() {
        state.draining.store(true, ordering: .releasing)
        waiters.wakeAll()
        readers.wakeAll()
    }

    /// Runs a transaction that changes something, under the registry lock.
    ///
    /// - Parameters:
    ///   - exclusive: true for a push.
    ///   - retries: how often it may run again after a collision with another.
    func change<T: Sendable>(
        exclusive: Bool = false, retries: Int = 5,
        _ body: @escaping @Sendable (inout ServiceTransaction) throws(ServiceError) -> T
    ) async throws(ServiceError) -> T {
        let once = IdempotentRequest.current
        let (value, awakened, tally, isNoted) = try await pool.transaction(retries: retries) {
            [self] (connection) throws(ServiceError) -> (T, [FeatureID: ReadyWork], WorkTally, Bool) in
            let catalog = try stored { () throws(StoreError) in
                try self.catalog(at: Registry(connection).lock(exclusive: exclusive), connection)
            }
            var transaction = ServiceTransaction(connection, catalog, definitions, claimMemory, visibleProjects)
            let value = try body(&transaction)
            try once?.keep(value, connection)
            let awakened = try transaction.conclude()
            return (value, awakened, transaction.tally, transaction.isNoted)
        }
        tallies.add(tally)
        waiters.wake(awakened)
        notices.add(awakened)
        if isNoted { readers.wakeAll() }
        return value
    }

    /// Runs a transaction that only reads, all of it as of one moment.
    func read<T: Sendable>(
        _ body: @escaping @Sendable (ServiceTransaction) throws(ServiceError) -> T
    ) async throws(ServiceError) -> T {
        try await pool.transaction(isolation: .repeatableRead, readOnly: true) {
            [self] (connection) throws(ServiceError) -> T in
            let catalog = try stored { () throws(StoreError) in
                try self.catalog(at: Registry(connection).revision(), connection)
            }
            return try body(ServiceTransaction(connection, catalog, definitions, claimMemory, visibleProjects))
        }
    }

    /// This process's copy of the graph; nil before its first transaction.
    var knownCatalog: Catalog? { state.catalog.withLock { $0 } }

    /// Where a feature stands in the order of the graph, by this process's copy of it.
    func rank(_ feature: FeatureID) -> Int {
        state.catalog.withLock { $0?.rank(feature) ?? -1 }
    }

    /// The graph at a revision: this process's copy where it is that of the revision, loaded otherwise.
    private func catalog(at revision: Int64, _ connection: Connection) throws(StoreError) -> Catalog {
        if let known = state.catalog.withLock({ $0 }), known.revision == revision { return known }
        let loaded = try Catalog(Registry(connection).contents())
        state.catalog.withLock { known in
            if (known?.revision ?? -1) < loaded.revision { known = loaded }
        }
        return loaded
    }
}
