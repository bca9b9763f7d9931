// A minimum rate with patience: time runs out while a peer does nothing, and bytes earn it back.

import Base

/// How long a peer may still keep the server waiting.
///
/// The credit falls with the clock while the server waits, and each byte earns back the time that it takes at the
/// minimum rate, up to the full credit. So a stall, a trickle, and a trickle after a burst all end the same way.
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

    /// When the credit runs out; nil while the server is not waiting.
    var deadline: MonotonicTime? {
        waitingSince.map { MonotonicTime(nanoseconds: $0.nanoseconds + max(balance, 0)) }
    }

    mutating func wait(from now: MonotonicTime) {
        if waitingSince == nil { waitingSince = now }
    }

    mutating func earn(bytes: Int, now: MonotonicTime) {
        spend(until: now)
        // A billion bytes at once already earn any credit there is; more would overflow.
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
