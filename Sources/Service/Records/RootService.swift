// The use cases of roots: their records are written, not computed.

/// Writes to roots.
public struct RootService: Sendable {
    let transactions: TransactionRunner
    /// A number in 0..<1, for the hash tables that find repeated keys.
    let random: @Sendable () -> Double
    /// Admits long writes.
    let streams: Gate
    let smallWrites: SmallWrites
}

/// Writes of a few rows to a root, which are carried out together where many come.
typealias SmallWrites = Coalescer<SmallWriteKind, RootWrite, Result<WriteOutcome, ServiceError>>
