// The use cases of increments: what has to be done for a feature, and why.

/// What has to be done for a feature, and why.
public struct IncrementService: Sendable {
    let transactions: TransactionRunner
    let ahead: ReadAhead

    /// Puts earlier versions back.
    var restoring: EarlierVersionRestoring { EarlierVersionRestoring(transactions: transactions) }
}
