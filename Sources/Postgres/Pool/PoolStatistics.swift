// The figures of a pool at one moment: connections, waiting callers and totals.

/// The state of a pool, and its totals since the start.
public struct PoolStatistics: Sendable, Hashable {
    /// The most connections that may be open.
    public let size: Int
    /// Connections that are open.
    public let open: Int
    /// Connections that work for a caller.
    public let inUse: Int
    /// Callers that wait for a connection.
    public let waiting: Int
    /// Callers that were given a connection, since the start.
    public let acquiredTotal: UInt64
    /// The total time that callers have waited since the start, including those that timed out.
    public let waitTotal: Duration
    /// Connections opened, since the start.
    public let connectsTotal: UInt64
    /// Callers whose deadline passed, since the start.
    public let timeoutsTotal: UInt64
}
