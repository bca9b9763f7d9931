// Points in time read from the system's monotonic clock.

import Base
import Glibc

extension MonotonicTime {
    /// The present on `CLOCK_MONOTONIC`, which no change of the wall clock moves.
    static func now() -> MonotonicTime {
        var time = Glibc.timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The point as the C library takes it.
    var timespec: Glibc.timespec {
        Glibc.timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
