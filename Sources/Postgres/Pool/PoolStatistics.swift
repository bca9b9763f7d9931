// PoolStatistics: the state of a pool at one moment.

/// What a pool has done and is doing.
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
    /// How long callers have waited, in sum since the start; those given up on included.
    public let waitTotal: Duration
    /// Connections opened, since the start.
    public let connectsTotal: UInt64
    /// Callers whose deadline passed, since the start.
    public let timeoutsTotal: UInt64
}
