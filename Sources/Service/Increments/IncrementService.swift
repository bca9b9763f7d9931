// The use cases of increments: what has to be done for a feature, and why.

/// What has to be done for a feature, and why.
public struct IncrementService: Sendable {
    let transactions: TransactionRunner

    /// Puts earlier versions back.
    var restoring: EarlierVersionRestoring { EarlierVersionRestoring(transactions: transactions) }
}
