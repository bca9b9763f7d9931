// The use cases of operators: verification, status and figures.

/// Verification, status and figures.
public struct OperationService: Sendable {
    let transactions: TransactionRunner
    /// Tasks that wait for work, and tasks that wait for changes.
    let waiters: Waiters, readers: Waiters
    let tallies: WorkTallies
    let draining: DrainSignal
}
