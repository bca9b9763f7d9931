// The use cases of claims: handing units out, and taking results, failures and the rest of a claim back.

/// Units in the hands of workers.
public struct ClaimService: Sendable {
    let transactions: TransactionRunner
    /// A number in 0..<1, for delays that must not fall together.
    let random: @Sendable () -> Double
    /// Tasks that wait for work.
    let waiters: Waiters
    /// Work that other processes have not been notified of.
    let notices: UnsentNotices
    let smallClaims: SmallClaims
    /// The units of the latest claims.
    let memory: ClaimMemory
    let draining: DrainSignal
}

/// Claims of a few units, which are made together where many come.
typealias SmallClaims = Coalescer<SmallClaimKind, ClaimRequest, ClaimOutcome>
