// The decisions of a pool as a pure state machine: who gets a connection, when to open one, who has waited too long.

import Base

/// Decides who gets which connection, when to open one, and who has waited too long.
///
/// Each function takes an event and returns actions. A slot holds at most one connection, and has at most one action
/// outstanding, whose outcome is reported before the next.
struct PoolMachine {
    /// An action that the pool has to perform.
    enum Action: Equatable {
        /// Open a connection; answered by `connected` or `connectFailed`.
        case connect(slot: Int)
        /// Run a caller's work; answered by `released`, or by `rejected` if the connection is found dead before.
        case run(ticket: UInt64, slot: Int)
        /// Close the connection and end the slot for ever; answered by `ended`.
        case close(slot: Int)
        /// Report to a caller that it gets no connection.
        case fail(ticket: UInt64, Reason)
        /// Stop the work of a caller.
        case interrupt(ticket: UInt64, slot: Int)
        /// Every slot has ended.
        case closed
    }

    /// The reason why a caller gets no connection.
    enum Reason: Equatable {
        case deadline, tooManyWaiters, cancelled, closed
    }

    private enum Slot: Equatable {
        /// Without a connection.
        case empty
        case connecting
        case idle
        case busy(ticket: UInt64)
        case closing
        case ended
    }

    private let waitDeadline: Duration
    private let waitersMax: Int
    private let backoff: Backoff
    private var slots: [Slot]
    /// Idle slots, most recently used last: its caches are the warmest.
    private var idle: [Int] = []
    private var queue = WaitQueue()
    /// The slot and arrival of each caller that has one.
    private var running: [UInt64: (slot: Int, entry: WaitQueue.Entry)] = [:]
    private var tickets: UInt64 = 0
    private var isClosed = false
    /// Attempts to connect that failed since the last success.
    private(set) var connectFailures = 0
    private var retryAt: MonotonicTime?
    private(set) var acquiredTotal: UInt64 = 0
    private(set) var waitTotal: Duration = .zero

    init(size: Int, waitDeadline: Duration, waitersMax: Int, backoff: Backoff) {
        precondition(size > 0 && waitersMax > 0, "a pool has connections and a bounded queue")
        self.slots = Array(repeating: .empty, count: size)
        self.waitDeadline = waitDeadline
        self.waitersMax = waitersMax
        self.backoff = backoff
    }

    /// A caller asks for a connection.
    mutating func request(now: MonotonicTime) -> (ticket: UInt64, actions: [Action]) {
        tickets += 1
        let ticket = tickets
        guard !isClosed else { return (ticket, [.fail(ticket: ticket, .closed)]) }
        guard queue.count < waitersMax || !idle.isEmpty else {
            return (ticket, [.fail(ticket: ticket, .tooManyWaiters)])
        }
        queue.insert(WaitQueue.Entry(ticket: ticket, deadline: now + waitDeadline, since: now))
        return (ticket, dispatch(now))
    }

    /// A caller no longer wants a connection.
    mutating func cancel(_ ticket: UInt64) -> [Action] {
        if queue.remove(ticket) != nil { return [.fail(ticket: ticket, .cancelled)] }
        guard let (slot, _) = running[ticket] else { return [] }
        return [.interrupt(ticket: ticket, slot: slot)]
    }

    /// A connection is open.
    mutating func connected(slot: Int, now: MonotonicTime) -> [Action] {
        precondition(slots[slot] == .connecting, "only a connecting slot connects")
        connectFailures = 0
        retryAt = nil
        return vacate(slot, healthy: true, now)
    }

    /// A connection could not be opened; `random` in 0..<1.
    mutating func connectFailed(slot: Int, now: MonotonicTime, random: Double) -> (retryIn: Duration, [Action]) {
        precondition(slots[slot] == .connecting, "only a connecting slot fails to connect")
        connectFailures += 1
        let delay = backoff.delay(failures: connectFailures, random: random)
        retryAt = now + delay
        return (delay, vacate(slot, healthy: false, now))
    }

    /// A caller's work is over; `healthy` unless its connection broke.
    mutating func released(ticket: UInt64, healthy: Bool, now: MonotonicTime) -> [Action] {
        guard let (slot, _) = running.removeValue(forKey: ticket) else {
            preconditionFailure("only a running caller releases a connection")
        }
        return vacate(slot, healthy: healthy, now)
    }

    /// A connection was found dead before the caller's work began: the caller takes its old place in the queue.
    mutating func rejected(ticket: UInt64, now: MonotonicTime) -> [Action] {
        guard let (slot, entry) = running.removeValue(forKey: ticket) else {
            preconditionFailure("only a running caller is rejected")
        }
        if isClosed { return [.fail(ticket: ticket, .closed)] + vacate(slot, healthy: false, now) }
        queue.insert(entry)
        acquiredTotal -= 1
        return vacate(slot, healthy: false, now)
    }

    /// Time has passed.
    mutating func tick(now: MonotonicTime) -> [Action] {
        var actions: [Action] = []
        while let entry = queue.first, entry.deadline <= now {
            _ = queue.removeFirst()
            waitTotal += now - entry.since
            actions.append(.fail(ticket: entry.ticket, .deadline))
        }
        return actions + dispatch(now)
    }

    /// No more callers; the running ones finish.
    mutating func close() -> [Action] {
        guard !isClosed else { return [] }
        isClosed = true
        var actions: [Action] = []
        while let entry = queue.removeFirst() { actions.append(.fail(ticket: entry.ticket, .closed)) }
        for slot in slots.indices where slots[slot] == .empty || slots[slot] == .idle {
            slots[slot] = .closing
            actions.append(.close(slot: slot))
        }
        idle = []
        return actions
    }

    /// A slot has ended.
    mutating func ended(slot: Int) -> [Action] {
        precondition(slots[slot] == .closing, "only a closing slot ends")
        slots[slot] = .ended
        return slots.allSatisfy { $0 == .ended } ? [.closed] : []
    }

    /// When `tick` has to be called next.
    var wakeAt: MonotonicTime? {
        guard let deadline = queue.first?.deadline else { return nil }
        return retryAt.map { min($0, deadline) } ?? deadline
    }

    var waiting: Int { queue.count }
    var inUse: Int { running.count }
    var open: Int { idle.count + running.count }

    private mutating func vacate(_ slot: Int, healthy: Bool, _ now: MonotonicTime) -> [Action] {
        if isClosed {
            slots[slot] = .closing
            return [.close(slot: slot)]
        }
        slots[slot] = healthy ? .idle : .empty
        if healthy { idle.append(slot) }
        return dispatch(now)
    }

    /// Gives idle connections to the callers that wait longest, and opens connections for the rest.
    private mutating func dispatch(_ now: MonotonicTime) -> [Action] {
        var actions: [Action] = []
        while !idle.isEmpty, let entry = queue.removeFirst() {
            let slot = idle.removeLast()
            slots[slot] = .busy(ticket: entry.ticket)
            running[entry.ticket] = (slot, entry)
            acquiredTotal += 1
            waitTotal += now - entry.since
            actions.append(.run(ticket: entry.ticket, slot: slot))
        }
        guard queue.count > 0 else { return actions }
        if let retryAt {
            guard retryAt <= now else { return actions }
            self.retryAt = nil
        }
        // After a failure one attempt at a time finds out whether the server is back.
        var connecting = slots.count { $0 == .connecting }
        let wanted = connectFailures > 0 ? 1 : queue.count
        for slot in slots.indices where slots[slot] == .empty && connecting < wanted {
            slots[slot] = .connecting
            connecting += 1
            actions.append(.connect(slot: slot))
        }
        return actions
    }
}
