// What the values of one service share.

import Feature
import Postgres
import Synchronization

/// What there is once in a process for all who use its service, whatever they see of it. One reference, because a value
/// that holds all of it is passed on at every step of a request.
final class ServiceState: Sendable {
    let pool: Pool
    let random: @Sendable () -> Double
    let definitions = DefinitionCache()
    let waiters = Waiters()
    let notices = UnsentNotices()
    let tallies = WorkTallies()
    /// Those who wait for changes.
    let readers = Waiters()
    let tokens = TokenMemory()
    /// Claims of a few units, which are made together where many come.
    let smallClaims = Coalescer<SmallClaimKind, ClaimRequest, ClaimOutcome>(most: Limits.smallClaimsTogetherMax)
    /// Writes of a few rows to a root, which are carried out together where many come.
    let smallWrites = Coalescer<SmallWriteKind, RootWrite, Result<WriteOutcome, ServiceError>>(
        most: Limits.smallWritesTogetherMax)
    /// What was handed out with the latest claims.
    let claimMemory = ClaimMemory()
    /// Long writes, each of which keeps a connection for as long as its body takes to come in.
    let streams = Gate(places: Limits.streamedWritesMax)
    /// The graph as this process last saw it.
    let catalog = Mutex<Catalog?>(nil)
    let draining = Atomic<Bool>(false)

    init(pool: Pool, random: @escaping @Sendable () -> Double) {
        self.pool = pool
        self.random = random
    }
}

extension Metaxy {
    var pool: Pool { state.pool }
    var random: @Sendable () -> Double { state.random }
    var definitions: DefinitionCache { state.definitions }
    var waiters: Waiters { state.waiters }
    var notices: UnsentNotices { state.notices }
    var tallies: WorkTallies { state.tallies }
    var readers: Waiters { state.readers }
    var tokens: TokenMemory { state.tokens }
    var smallClaims: Coalescer<SmallClaimKind, ClaimRequest, ClaimOutcome> { state.smallClaims }
    var claimMemory: ClaimMemory { state.claimMemory }
    var streams: Gate { state.streams }
}
