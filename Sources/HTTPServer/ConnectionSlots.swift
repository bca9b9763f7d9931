// How many connections all loops together have open.

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

    /// Which count a connection belongs to.
    enum Place {
        case connection
        /// Over the limit: it is told so and closed.
        case refusal
    }

    var connections: Int {
        open.load(ordering: .relaxed)
    }

    /// A place for one more connection; nil when there is not even one for telling it so.
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
