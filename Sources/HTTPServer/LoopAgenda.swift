// The deadlines of one event loop, and the connections that it continues in its next turn.

import Base
import HTTP
import Sockets

/// Everything that a loop has to come back to without an event of a socket.
final class LoopAgenda {
    private var wheel = TimerWheel(now: Clock.monotonicNanoseconds())
    private var due: [TimerWheel.Entry] = []
    private var unfinished: [UInt64] = []

    /// The time, at most 4 ms behind.
    var now: MonotonicTime {
        MonotonicTime(nanoseconds: Clock.monotonicNanoseconds())
    }

    /// How long the loop may wait for events: 0 with unfinished connections, -1 without any deadline.
    var millisecondsToWait: Int32 {
        unfinished.isEmpty ? wheel.millisecondsToNext(now: Clock.monotonicNanoseconds()) : 0
    }

    /// Continues a connection in the next turn: it has bytes left after its share of this one.
    func continueNextTurn(_ connection: ClientConnection) {
        unfinished.append(connection.token)
    }

    /// Removes and returns the tokens of the connections to continue.
    func takeUnfinished() -> [UInt64] {
        guard !unfinished.isEmpty else { return [] }
        let tokens = unfinished
        unfinished.removeAll(keepingCapacity: true)
        return tokens
    }

    /// Schedules the connection's next deadline.
    func arm(_ connection: ClientConnection) {
        guard let deadline = connection.exchange.machine.deadline else { return }
        let tick = TimerWheel.tick(atOrAfter: deadline.nanoseconds)
        // An earlier entry stays: when it is due, the connection is armed again.
        guard tick < connection.scheduledTick else { return }
        connection.scheduledTick = tick
        wheel.schedule(connection.token, at: tick)
    }

    /// Makes a token due once this many nanoseconds have passed.
    func schedule(_ token: UInt64, after nanoseconds: Int64) {
        wheel.schedule(token, at: TimerWheel.tick(atOrAfter: Clock.monotonicNanoseconds() + nanoseconds))
    }

    /// Removes and returns the entries that are due.
    func takeDue() -> [TimerWheel.Entry] {
        wheel.advance(to: Clock.monotonicNanoseconds(), into: &due)
        guard !due.isEmpty else { return [] }
        let entries = due
        due.removeAll(keepingCapacity: true)
        return entries
    }
}
