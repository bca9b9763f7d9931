// Reads the kernel's coarse clocks: monotonic and wall-clock time.

import CLinux
import Glibc

/// Reads the kernel's coarse clocks, which cost a few nanoseconds and are as precise as the kernel's tick.
public enum Clock {
    /// Nanoseconds of the monotonic clock, at most 4 ms behind.
    public static func monotonicNanoseconds() -> Int64 {
        let time = read(CLOCK_MONOTONIC_COARSE)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Whole seconds since 1970-01-01 00:00:00 UTC.
    public static func unixSeconds() -> Int {
        read(CLOCK_REALTIME_COARSE).tv_sec
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return time
    }
}
