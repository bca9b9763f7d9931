// The use cases of history: tracing lineage, dropping versions, and the log of changes.

/// Lineage, retention and the log of changes.
public struct HistoryService: Sendable {
    let transactions: TransactionRunner
    /// Tasks that wait for changes.
    let readers: Waiters
    let draining: DrainSignal
}
