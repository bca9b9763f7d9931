// Deadlines of many connections at constant cost: a hashed timing wheel.

/// Deadlines by token, to a precision of one tick.
///
/// Scheduling is an append, and no entry is removed early. An owner that moves a deadline later leaves the entry in
/// place and checks the deadline when the entry is due. So a busy connection touches the wheel only once in a while.
public struct TimerWheel {
    /// A deadline that is due.
    public struct Entry: Sendable {
        /// The token that the deadline was scheduled with.
        public let token: UInt64
        /// The tick that the deadline was scheduled for.
        public let tick: Int64
    }

    /// Nanoseconds of a tick. Deadlines are seconds away, so being a tick late does not matter.
    public static let tickNanoseconds: Int64 = 50_000_000
    /// 51 s; an entry further away stays in its slot for another round.
    private static let slotCount = 1024

    private var slots: [[Entry]] = Array(repeating: [], count: slotCount)
    /// A bit for each slot with entries.
    private var occupied: [UInt64] = Array(repeating: 0, count: slotCount / 64)
    private var current: Int64

    /// Creates an empty wheel.
    ///
    /// - Parameter now: the time, in nanoseconds of the same clock as all later times.
    public init(now: Int64) {
        current = now / Self.tickNanoseconds
    }

    /// The first tick that begins at or after a time.
    ///
    /// - Parameter nanoseconds: the time.
    /// - Returns: the tick.
    public static func tick(atOrAfter nanoseconds: Int64) -> Int64 {
        (nanoseconds + tickNanoseconds - 1) / tickNanoseconds
    }

    /// Adds a deadline.
    ///
    /// - Parameters:
    ///   - token: identifies the deadline.
    ///   - tick: the tick of the deadline; a deadline in the past is due at the next tick.
    /// - Complexity: O(1).
    public mutating func schedule(_ token: UInt64, at tick: Int64) {
        let due = max(tick, current + 1)
        let slot = Int(due % Int64(Self.slotCount))
        slots[slot].append(Entry(token: token, tick: tick))
        occupied[slot / 64] |= 1 << UInt64(slot % 64)
    }

    /// Advances to the present and removes the deadlines that are due.
    ///
    /// - Parameters:
    ///   - now: the time, in nanoseconds.
    ///   - due: the list that the due deadlines are appended to.
    /// - Complexity: O(ticks since the last call, at most one round, plus entries in their slots).
    public mutating func advance(to now: Int64, into due: inout [Entry]) {
        let target = now / Self.tickNanoseconds
        guard target > current else { return }
        let steps = min(target - current, Int64(Self.slotCount))
        for tick in target - steps + 1...target {
            let slot = Int(tick % Int64(Self.slotCount))
            guard occupied[slot / 64] & 1 << UInt64(slot % 64) != 0 else { continue }
            let entries = slots[slot]
            slots[slot] = []
            for entry in entries {
                if entry.tick <= target { due.append(entry) } else { slots[slot].append(entry) }
            }
            if slots[slot].isEmpty { occupied[slot / 64] &= ~(1 << UInt64(slot % 64)) }
        }
        current = target
    }

    /// Milliseconds until a slot with entries is due; -1 when there are no entries.
    ///
    /// - Parameter now: the time, in nanoseconds.
    /// - Returns: 0 or more, or -1.
    public func millisecondsToNext(now: Int64) -> Int32 {
        for offset in 0...occupied.count {
            let first = Int(current + 1) % Self.slotCount
            let word = (first / 64 + offset) % occupied.count
            var bits = occupied[word]
            // The word of the first slot is checked twice: first from that slot on, and last up to that slot.
            let before = (UInt64(1) << UInt64(first % 64)) &- 1
            if offset == 0 { bits &= ~before } else if offset == occupied.count { bits &= before }
            guard bits != 0 else { continue }
            let slot = word * 64 + bits.trailingZeroBitCount
            let ticks = (slot - first + Self.slotCount) % Self.slotCount + 1
            let due = (current + Int64(ticks)) * Self.tickNanoseconds
            return Int32(max(due - now + 999_999, 0) / 1_000_000)
        }
        return -1
    }
}
