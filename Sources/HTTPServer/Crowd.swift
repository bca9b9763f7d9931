// When a crowd of connections has gone.

/// Notices that most of many connections have closed, which is when much memory has been freed.
public struct Crowd: Sendable {
    /// Connections that are many: 500 that are read from and written to take 20 MB.
    public static let sizeMin = 500

    private var most = 0

    /// Nobody is there.
    public init() {}

    /// Whether more than half of many connections have gone since the last time that it said so.
    ///
    /// - Parameter connections: how many there are now.
    public mutating func hasGone(connections: Int) -> Bool {
        most = max(most, connections)
        guard most >= Self.sizeMin, connections < most / 2 else { return false }
        most = connections
        return true
    }
}
