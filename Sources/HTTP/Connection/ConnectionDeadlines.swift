// All that a connection can wait for, with the moment at which the waiting ends.

import Base

/// The deadlines of one connection; each is nil while it is not waited for.
struct ConnectionDeadlines: Sendable {
    var handshake: MonotonicTime?
    var head: MonotonicTime?
    var idle: MonotonicTime?
    var halfClose: MonotonicTime?
    var linger: MonotonicTime?
    /// Waiting for the peer to send content.
    var content: RateCredit
    /// Waiting for the peer to take the answer.
    var output: RateCredit

    init(bounds: Bounds) {
        content = RateCredit(rate: bounds.limits.contentRateMin, credit: bounds.contentCredit)
        output = RateCredit(rate: bounds.limits.outputRateMin, credit: bounds.outputCredit)
    }

    var first: MonotonicTime? {
        // No array of them: this is asked after each request.
        var first = Self.sooner(content.deadline, output.deadline)
        first = Self.sooner(first, handshake)
        first = Self.sooner(first, head)
        first = Self.sooner(first, idle)
        first = Self.sooner(first, halfClose)
        return Self.sooner(first, linger)
    }

    private static func sooner(_ one: MonotonicTime?, _ other: MonotonicTime?) -> MonotonicTime? {
        guard let one else { return other }
        guard let other else { return one }
        return min(one, other)
    }

    /// Nothing more is read as a request.
    mutating func stopInput() {
        handshake = nil
        head = nil
        idle = nil
        halfClose = nil
        content = RateCredit(like: content)
    }
}
