// The root of the service: gives out its use cases by subject.

public import Postgres

/// The use cases of the server, by subject. One instance serves a process; any number of processes share a database.
///
/// Nothing here is truth: the graph is a copy whose revision every transaction compares with the registry's.
///
/// A value is the service as a caller with certain visible projects sees it. All values made from one share its state.
public struct Metaxy: Sendable {
    private let state: ServiceState
    private let visibleProjects: VisibleProjects

    /// The service over a database whose schema is current.
    ///
    /// - Parameters:
    ///   - pool: the connections to the database.
    ///   - random: a number in 0..<1, for delays that must not fall together.
    public init(pool: Pool, random: @escaping @Sendable () -> Double) {
        self.init(ServiceState(pool: pool, random: random), .everything)
    }

    init(_ state: ServiceState, _ visibleProjects: VisibleProjects) {
        self.state = state
        self.visibleProjects = visibleProjects
    }

    /// The same service for a caller that sees only some projects.
    public func seeing(_ visibleProjects: VisibleProjects) -> Metaxy { Metaxy(state, visibleProjects) }

    /// Ends all waiting; to be called before the server stops taking requests.
    public func drain() {
        state.draining.turnOn()
        state.context.waiters.wakeAll()
        state.context.readers.wakeAll()
    }

    private var transactions: TransactionRunner { TransactionRunner(state.context, visibleProjects) }

    /// Projects, pushes, features and the settings of dispatch.
    public var graph: GraphService { GraphService(transactions: transactions) }

    /// The records of features: read, written to derived features, deleted, restored, erased and rebased.
    public var records: RecordService { RecordService(transactions: transactions) }

    /// Writes to roots.
    public var roots: RootService {
        RootService(
            transactions: transactions, random: state.random, streams: state.streams, smallWrites: state.smallWrites)
    }

    /// What has to be done for a feature, and why.
    public var increments: IncrementService {
        IncrementService(transactions: transactions)
    }

    /// Units in the hands of workers.
    public var claims: ClaimService {
        ClaimService(
            transactions: transactions, random: state.random, waiters: state.context.waiters,
            notices: state.context.notices, smallClaims: state.smallClaims, memory: state.claims,
            draining: state.draining)
    }

    /// Units that failed.
    public var failures: FailureService { FailureService(transactions: transactions) }

    /// Lineage, retention and the log of changes.
    public var history: HistoryService {
        HistoryService(transactions: transactions, readers: state.context.readers, draining: state.draining)
    }

    /// API tokens.
    public var tokens: TokenService { TokenService(pool: state.context.pool, memory: state.tokens) }

    /// Verification, status and figures.
    public var operations: OperationService {
        OperationService(
            transactions: transactions, waiters: state.context.waiters, readers: state.context.readers,
            tallies: state.context.tallies, draining: state.draining)
    }

    /// Answers to requests with an idempotency key.
    public var answers: AnswerService { AnswerService(pool: state.context.pool) }

    /// Wakes tasks that wait for work, here and in other processes.
    public var waking: CrossProcessWaking {
        CrossProcessWaking(
            transactions: transactions, waiters: state.context.waiters, notices: state.context.notices)
    }
}
