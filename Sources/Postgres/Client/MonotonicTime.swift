// MonotonicTime: points on the system's monotonic clock.

import Glibc

/// A point in time in nanoseconds on `CLOCK_MONOTONIC`, which no change of the wall clock moves.
struct MonotonicTime: Hashable, Comparable, Sendable {
    var nanoseconds: Int64

    static func now() -> MonotonicTime {
        var time = Glibc.timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: time.nanoseconds + duration.wholeNanoseconds)
    }

    static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

extension Duration {
    /// The duration in nanoseconds; anything beyond a century counts as a century, so that sums never overflow.
    var wholeNanoseconds: Int64 {
        let century: Int64 = 3_155_760_000
        let seconds = max(-century, min(century, components.seconds))
        return seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }

    /// The duration in milliseconds, rounded up.
    var wholeMilliseconds: Int64 {
        (wholeNanoseconds + 999_999) / 1_000_000
    }
}
