// Counts the open connections of all loops against the server's limit.

import HTTP
import Synchronization

/// Counts the connections of a server against its limit.
final class ConnectionSlots: Sendable {
    private let open = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)
    private let limit: Int
    private let refusalLimit: Int

    init(connectionsMax: Int, refusalsMax: Int) {
        limit = connectionsMax
        refusalLimit = refusalsMax
    }

    /// The count that a connection belongs to.
    enum Place {
        case connection
        /// Over the limit: the connection is answered with 503 and closed.
        case refusal
    }

    var connections: Int {
        open.load(ordering: .relaxed)
    }

    /// Takes a place for one more connection; nil when there is not even a place for refusing it.
    func take() -> Place? {
        if open.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return .connection }
        open.wrappingSubtract(1, ordering: .relaxed)
        if refusals.wrappingAdd(1, ordering: .relaxed).newValue <= refusalLimit { return .refusal }
        refusals.wrappingSubtract(1, ordering: .relaxed)
        return nil
    }

    func giveBack(_ place: Place) {
        switch place {
        case .connection: open.wrappingSubtract(1, ordering: .relaxed)
        case .refusal: refusals.wrappingSubtract(1, ordering: .relaxed)
        }
    }
}
