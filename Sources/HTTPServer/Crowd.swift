// Notices that most of many connections have closed, so that their memory can be returned.

/// Notices that most of many connections have closed, which frees much memory.
public struct Crowd: Sendable {
    /// The number of connections that counts as many: 500 active connections take 20 MB.
    public static let sizeMin = 500

    private var most = 0

    /// Creates a crowd without connections.
    public init() {}

    /// Whether more than half of many connections have closed since the last call that returned true.
    ///
    /// - Parameter connections: the number of connections now.
    public mutating func hasGone(connections: Int) -> Bool {
        most = max(most, connections)
        guard most >= Self.sizeMin, connections < most / 2 else { return false }
        most = connections
        return true
    }
}
