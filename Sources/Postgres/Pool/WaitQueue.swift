// The queue of callers that wait for a connection, in the order of their arrival.

import Base

/// A first-in, first-out queue of tickets from which any ticket can leave.
///
/// Tickets ascend, so the queue is sorted by ticket. A caller that is put back takes its old place.
struct WaitQueue {
    struct Entry: Equatable {
        let ticket: UInt64
        let deadline: MonotonicTime
        /// When the caller began to wait.
        let since: MonotonicTime
    }

    /// Entries from `head` on; nil where one has left.
    private var storage: [(ticket: UInt64, entry: Entry?)] = []
    private var head = 0
    private(set) var count = 0

    var first: Entry? {
        head < storage.count ? storage[head].entry : nil
    }

    /// Adds an entry at the place that its ticket has; at the end for a new one.
    /// - Complexity: O(1) at the end, else O(n).
    mutating func insert(_ entry: Entry) {
        let place = place(of: entry.ticket)
        storage.insert((entry.ticket, entry), at: place)
        count += 1
    }

    /// Removes the first entry.
    mutating func removeFirst() -> Entry? {
        guard let entry = first else { return nil }
        leave(at: head)
        return entry
    }

    /// Removes the entry with `ticket`, if it waits.
    /// - Complexity: O(log n), amortised.
    mutating func remove(_ ticket: UInt64) -> Entry? {
        let place = place(of: ticket)
        guard place < storage.count, storage[place].ticket == ticket, let entry = storage[place].entry else {
            return nil
        }
        leave(at: place)
        return entry
    }

    /// Keeps the invariant that `head` is at an entry or at the end.
    private mutating func leave(at place: Int) {
        storage[place].entry = nil
        count -= 1
        while head < storage.count, storage[head].entry == nil { head += 1 }
        if head > 32, head > storage.count / 2 {
            storage.removeFirst(head)
            head = 0
        }
    }

    /// The first place from `head` on whose ticket is not less.
    private func place(of ticket: UInt64) -> Int {
        var (low, high) = (head, storage.count)
        while low < high {
            let middle = (low + high) / 2
            if storage[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
