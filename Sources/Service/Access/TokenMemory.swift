// The accepted secrets, which a process keeps in memory for a second.

import Store
import Synchronization

/// The token of a secret.
public struct TokenIdentity: Hashable, Sendable {
    /// The token's name.
    public let name: String
    /// The token's permissions.
    public let scopes: Set<Permission>
    /// The projects that the token sees.
    public let visibleProjects: VisibleProjects
}

/// All accepted secrets, read again when they are older than `TransactionLimits.tokenMemory`: so a request costs no round trip, a
/// flood of made-up secrets costs none either, and a revocation holds everywhere after that time.
final class TokenMemory: Sendable {
    private struct Entry {
        let digest: [UInt8]
        let identity: TokenIdentity
        /// When the secret expires; nil for never.
        let end: ContinuousClock.Instant?
    }

    private struct State {
        /// Entries by the first eight bytes of the digest. No client can choose them, because they come from a SHA-256.
        var entries: [UInt64: [Entry]] = [:]
        var loadedAt: ContinuousClock.Instant?
        var isLoading = false
        /// Counts this process's changes of tokens, so that secrets read before a change are not kept after it.
        var generation = 0
    }

    private let state = Mutex(State())

    /// What to do before a secret is looked up.
    enum Order: Equatable {
        /// Nothing. The secrets in memory are young enough, or another task is reading them.
        case use
        /// Read all secrets and pass them to `replace` with this number, or call `giveUp`.
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

    /// Keeps the secrets that were read at `start`, unless this process has changed a token since.
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
    /// - Returns: whether the secrets in memory may still be used.
    func giveUp(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            state.isLoading = false
            return state.loadedAt.map { now - $0 < TransactionLimits.tokenMemoryMax } ?? false
        }
    }

    /// Removes all secrets from memory, because this process has changed a token.
    func forget() {
        state.withLock { state in
            state.loadedAt = nil
            state.generation += 1
        }
    }

    /// The token of a secret, by the secret's digest.
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
