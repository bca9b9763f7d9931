// A point on the clock that only goes forward, and durations in whole units.

/// A point in time of a clock that only goes forward, in whole nanoseconds since an arbitrary start.
///
/// The caller of a state machine reads the clock and passes the time in.
public struct MonotonicTime: Hashable, Sendable {
    /// Nanoseconds since the clock's start. 2^63 of them are 292 years.
    public let nanoseconds: Int64

    /// The point this many nanoseconds after the clock's start.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The point this many nanoseconds later.
    public static func + (time: MonotonicTime, nanoseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: time.nanoseconds &+ nanoseconds)
    }

    /// The point this much later.
    public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        time + duration.wholeNanoseconds
    }

    /// The time from `right` to `left`.
    public static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        .nanoseconds(left.nanoseconds(since: right))
    }

    /// The time from `other` to this point, in nanoseconds.
    public func nanoseconds(since other: MonotonicTime) -> Int64 {
        nanoseconds &- other.nanoseconds
    }
}

extension MonotonicTime: Comparable {
    /// Whether `left` comes before `right`.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// The duration in nanoseconds. A duration beyond a century counts as a century, so that sums never overflow.
    public var wholeNanoseconds: Int64 {
        let century: Int64 = 3_155_760_000
        let seconds = max(-century, min(century, components.seconds))
        return seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }

    /// The duration in milliseconds, rounded up.
    public var wholeMilliseconds: Int64 {
        (wholeNanoseconds + 999_999) / 1_000_000
    }
}
