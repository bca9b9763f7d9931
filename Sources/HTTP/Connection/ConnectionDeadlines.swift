// The deadlines of one connection: handshake, head, idle, content, output and linger.

import Base

/// The deadlines of one connection; each is nil while it does not apply.
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

    init(limits: CheckedLimits) {
        content = RateCredit(rate: limits.values.contentRateMin, credit: limits.contentCredit)
        output = RateCredit(rate: limits.values.outputRateMin, credit: limits.outputCredit)
    }

    var first: MonotonicTime? {
        // Uses no array, because this runs after each request.
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

    /// Clears the deadlines of requests, because no more requests are read.
    mutating func stopInput() {
        handshake = nil
        head = nil
        idle = nil
        halfClose = nil
        content = RateCredit(like: content)
    }
}
