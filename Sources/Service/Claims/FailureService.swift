// The use cases of failures: listing them, and trying their units again.

/// Units that failed.
public struct FailureService: Sendable {
    let transactions: TransactionRunner
}
