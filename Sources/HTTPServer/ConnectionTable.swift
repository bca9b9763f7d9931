// The open connections of one event loop, found by the token of an event.

/// The connections of one loop by descriptor number.
///
/// A token carries the descriptor number and a generation, so that a late event or handler never reaches a newer
/// connection that got the same number. Generation 0 belongs to the listener.
final class ConnectionTable {
    private var connections: [ClientConnection?] = []
    private var count = 0
    private var generation: UInt32 = 0
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// The connection with a token; nil once it is closed.
    subscript(token: UInt64) -> ClientConnection? {
        let number = Self.number(token)
        guard number < connections.count, let connection = connections[number], connection.token == token else {
            return nil
        }
        return connection
    }

    /// All connections, with nil for free descriptor numbers.
    var all: [ClientConnection?] { connections }

    /// A token for a new connection.
    ///
    /// - Parameter descriptor: the number of its descriptor.
    func newToken(descriptor: Int32) -> UInt64 {
        generation = generation == .max ? 1 : generation + 1
        return UInt64(generation) << 32 | UInt64(descriptor)
    }

    /// Adds a connection under its token.
    func insert(_ connection: ClientConnection) {
        let number = Self.number(connection.token)
        while connections.count <= number {
            connections.append(nil)
        }
        connections[number] = connection
        count += 1
    }

    /// Removes a connection, and resumes those who wait for the last one to go.
    func remove(_ connection: ClientConnection) {
        connections[Self.number(connection.token)] = nil
        count -= 1
        guard count == 0 else { return }
        for waiter in waiters {
            waiter.resume()
        }
        waiters = []
    }

    /// Resumes a task once no connection is left.
    func resumeWhenEmpty(_ waiter: CheckedContinuation<Void, Never>) {
        if count == 0 { waiter.resume() } else { waiters.append(waiter) }
    }

    private static func number(_ token: UInt64) -> Int {
        Int(truncatingIfNeeded: token & 0xFFFF_FFFF)
    }
}
