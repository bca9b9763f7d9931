// The writer that a handler streams content with, and the end of a stream.

/// The peer has closed the connection.
public struct Disconnected: Error, Equatable {
    /// Creates the error.
    public init() {}
}

/// Writes streamed content of one response.
public struct ResponseWriter: Sendable {
    private let push: @Sendable ([UInt8]) async throws(Disconnected) -> Void

    /// Creates a writer.
    ///
    /// - Parameter push: takes a piece and returns when there is room for the next.
    public init(push: @escaping @Sendable ([UInt8]) async throws(Disconnected) -> Void) {
        self.push = push
    }

    /// Writes a piece, and returns when there is room for more. An empty piece writes nothing.
    ///
    /// - Parameter bytes: the piece; each becomes one chunk, so pieces of 16 KiB and more cost least.
    /// - Throws: when the peer has closed the connection, or reads slower than `ProtocolLimits.outputRateMin` allows.
    public func write(_ bytes: [UInt8]) async throws(Disconnected) {
        try await push(bytes)
    }
}
