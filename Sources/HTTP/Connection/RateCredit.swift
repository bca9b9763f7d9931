// A minimum transfer rate with a credit: waiting spends the credit, and received bytes earn it back.

import Base

/// The time for which a peer may still keep the server waiting.
///
/// Waiting spends the credit. Each byte earns back the time that it takes at the minimum rate, up to the full credit.
/// So a stall, a trickle, and a trickle after a burst all end the same way.
struct RateCredit: Sendable {
    private let fullNanoseconds: Int64
    private let bytesPerSecond: Int64
    private var balance: Int64
    private var waitingSince: MonotonicTime?

    init(rate bytesPerSecond: Int, credit nanoseconds: Int64) {
        fullNanoseconds = nanoseconds
        self.bytesPerSecond = Int64(bytesPerSecond)
        balance = fullNanoseconds
    }

    /// Full credit under the same terms.
    init(like other: RateCredit) {
        fullNanoseconds = other.fullNanoseconds
        bytesPerSecond = other.bytesPerSecond
        balance = fullNanoseconds
    }

    /// The time when the credit runs out; nil while the server is not waiting.
    var deadline: MonotonicTime? {
        waitingSince.map { MonotonicTime(nanoseconds: $0.nanoseconds + max(balance, 0)) }
    }

    mutating func wait(from now: MonotonicTime) {
        if waitingSince == nil { waitingSince = now }
    }

    mutating func earn(bytes: Int, now: MonotonicTime) {
        spend(until: now)
        // A billion bytes at once earn the full credit of any configuration; more would overflow.
        let earned = Int64(min(bytes, 1_000_000_000)) * 1_000_000_000 / bytesPerSecond
        balance = min(balance + earned, fullNanoseconds)
    }

    mutating func pause(now: MonotonicTime) {
        spend(until: now)
        waitingSince = nil
    }

    private mutating func spend(until now: MonotonicTime) {
        guard let since = waitingSince else { return }
        balance -= now.nanoseconds(since: since)
        waitingSince = now
    }
}
