// The growing, randomised delay between two attempts to connect.

import Base

/// Doubling delays with jitter, so that clients which failed together do not come back together.
struct Backoff: Sendable {
    /// The delay after the first failure.
    let first: Duration
    /// The longest delay.
    let most: Duration

    /// The delay after `failures` failures in a row, from 1. `random` in 0..<1 chooses between half and all of the
    /// delay.
    func delay(failures: Int, random: Double) -> Duration {
        precondition(failures >= 1, "a delay follows a failure")
        let doublings = min(failures - 1, 30)
        let full = min(most, first * (1 << doublings))
        return .nanoseconds(Int64(Double(full.wholeNanoseconds) * (0.5 + random / 2)))
    }
}
