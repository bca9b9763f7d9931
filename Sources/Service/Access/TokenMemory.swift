// The secrets that are accepted, as a process remembers them for a moment.

import Store
import Synchronization

/// Whom a secret belongs to.
public struct TokenIdentity: Hashable, Sendable {
    /// The token's name.
    public let name: String
    /// What it may do.
    public let scopes: Set<Permission>
    /// Which projects it sees.
    public let visibleProjects: VisibleProjects
}

/// All accepted secrets, read again when they are older than `TransactionLimits.tokenMemory`: so a request costs no round trip, a
/// flood of made-up secrets costs none either, and a revocation holds everywhere after that time.
final class TokenMemory: Sendable {
    private struct Entry {
        let digest: [UInt8]
        let identity: TokenIdentity
        /// Until when it is accepted; nil for ever.
        let end: ContinuousClock.Instant?
    }

    private struct State {
        /// By the first eight bytes of the digest. Nobody can choose them: they are those of a SHA-256.
        var entries: [UInt64: [Entry]] = [:]
        var loadedAt: ContinuousClock.Instant?
        var isLoading = false
        /// Counts what this process changed, so that what was read before is not taken for what is.
        var generation = 0
    }

    private let state = Mutex(State())

    /// What a caller has to do before it looks for a secret.
    enum Order: Equatable {
        /// Nothing: what is remembered is young enough, or somebody else is reading it anew.
        case use
        /// Read all secrets and give them to `replace`, with this number; or say `giveUp`.
        case load(generation: Int)
    }

    /// What to do at `now`.
    func order(at now: ContinuousClock.Instant) -> Order {
        state.withLock { state in
            if let loadedAt = state.loadedAt {
                let age = now - loadedAt
                if age < TransactionLimits.tokenMemory || (state.isLoading && age < TransactionLimits.tokenMemoryMax) {
                    return .use
                }
            }
            state.isLoading = true
            return .load(generation: state.generation)
        }
    }

    /// Remembers what was read at `start`, unless this process has changed something since.
    func replace(_ secrets: [StoredSecret], readAt start: ContinuousClock.Instant, generation: Int) {
        var entries: [UInt64: [Entry]] = [:]
        for secret in secrets {
            let identity = TokenIdentity(
                name: secret.token, scopes: Set(secret.scopes.compactMap { Permission(rawValue: $0) }),
                visibleProjects: VisibleProjects(secret.projects.map { Set($0) }))
            let entry = Entry(
                digest: secret.digest, identity: identity, end: secret.secondsLeft.map { start + .seconds($0) })
            entries[Self.start(of: secret.digest), default: []].append(entry)
        }
        state.withLock { state in
            state.isLoading = false
            guard state.generation == generation else { return }
            state.entries = entries
            state.loadedAt = start
        }
    }

    /// Notes that the secrets could not be read.
    ///
    /// - Returns: whether what is remembered may still be used.
    func giveUp(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            state.isLoading = false
            return state.loadedAt.map { now - $0 < TransactionLimits.tokenMemoryMax } ?? false
        }
    }

    /// Forgets everything: this process has changed a token.
    func forget() {
        state.withLock { state in
            state.loadedAt = nil
            state.generation += 1
        }
    }

    /// Whom a secret belongs to, by its digest.
    func find(_ digest: [UInt8], at now: ContinuousClock.Instant) -> TokenIdentity? {
        let entries = state.withLock { $0.entries[Self.start(of: digest)] } ?? []
        return entries.first { entry in
            TokenSecret.areEqual(entry.digest, digest) && entry.end.map { now < $0 } ?? true
        }?.identity
    }

    private static func start(of digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
