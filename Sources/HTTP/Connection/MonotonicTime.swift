// A point on the clock that only goes forward, handed into the state machines by their caller.

/// A point in time of a clock that only goes forward, in whole nanoseconds since some start.
public struct MonotonicTime: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's start; 2^63 of them are 292 years.
    public let nanoseconds: Int64

    /// Creates a point in time.
    ///
    /// - Parameter nanoseconds: since the clock's start.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The point this many nanoseconds later.
    public static func + (time: MonotonicTime, nanoseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: time.nanoseconds &+ nanoseconds)
    }

    /// The time from `other` to this one, in nanoseconds.
    public func nanoseconds(since other: MonotonicTime) -> Int64 {
        nanoseconds &- other.nanoseconds
    }

    /// Whether `left` comes before `right`.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
