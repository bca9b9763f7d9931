// The use cases of records: reading, writing, deleting, restoring, erasing and rebasing.

/// The records of features. Writes to roots are in `RootService`.
public struct RecordService: Sendable {
    let transactions: TransactionRunner
}
