// Sends the waiting bytes of answers, and closes connections in the order that loses no answer.

import HTTP
import Sockets

/// The sending side of a loop's connections.
final class AnswerSender {
    /// Bytes that one read drops from a peer that still sends after the last answer.
    private static let discardedBytesMax = 1 << 20

    private let loop: EventLoop
    private let table: ConnectionTable
    private let agenda: LoopAgenda
    private let slots: ConnectionSlots
    private let limits: CheckedLimits
    /// Storage for answers, lent to the connection being served.
    private var spare: [UInt8] = []

    init(
        loop: EventLoop, table: ConnectionTable, agenda: LoopAgenda, slots: ConnectionSlots, limits: CheckedLimits
    ) {
        self.loop = loop
        self.table = table
        self.agenda = agenda
        self.slots = slots
        self.limits = limits
        spare.reserveCapacity(limits.values.pieceBytesMax)
    }

    /// Lends the loop's buffer to a connection that is about to be answered.
    func lendBuffer(to connection: ClientConnection) {
        connection.exchange.output.borrow(&spare)
    }

    /// Sends the waiting output, as far as the socket takes it.
    ///
    /// - Returns: whether the connection was lost and closed.
    func flush(_ connection: ClientConnection) -> Bool {
        while connection.exchange.output.count > 0 {
            let output = connection.exchange.output.first
            switch connection.stream.send(
                output, from: connection.exchange.output.sent, hasMore: connection.exchange.output.hasMore)
            {
            case .bytes(let count):
                connection.sentTotal += count
                connection.exchange.output.advance(by: count)
            case .wouldBlock:
                reportOutput(connection)
                return false
            case .broken:
                close(connection)
                return true
            }
        }
        connection.exchange.output.giveBack(to: &spare)
        reportOutput(connection)
        return false
    }

    private func reportOutput(_ connection: ClientConnection) {
        let pending = connection.exchange.output.count
        if connection.exchange.machine.outputChanged(pending: pending, now: agenda.now) {
            agenda.continueNextTurn(connection)
        }
    }

    /// Sends, closes or waits, after all bytes at hand were handled.
    func settle(_ connection: ClientConnection) {
        guard connection.phase != .closed, connection.phase != .lingering else { return }
        if connection.exchange.output.count > 0 || connection.exchange.machine.hasOutput, flush(connection) { return }
        if connection.exchange.output.count <= limits.values.outputBytesMax / 2 {
            connection.roomWaiter.take()?.resume(returning: true)
        }
        if connection.phase == .finishing, connection.exchange.output.count == 0 { return finish(connection) }
        updateInterest(connection)
        agenda.arm(connection)
    }

    /// Closes the sending side, and the connection once the peer has closed its side or its time is up.
    private func finish(_ connection: ClientConnection) {
        connection.stream.finishSending()
        guard connection.exchange.machine.lingers(now: agenda.now) else { return close(connection) }
        connection.phase = .lingering
        connection.input = []
        connection.inputStart = 0
        watch(connection, for: .readable)
        agenda.arm(connection)
    }

    /// Drops bytes that a peer still sends after the last answer.
    func discard(_ connection: ClientConnection) {
        switch connection.stream.discard(max: Self.discardedBytesMax) {
        case .bytes(let count):
            if !connection.exchange.machine.lingered(bytes: count) { close(connection) }
        case .wouldBlock:
            break
        case .ended, .broken:
            close(connection)
        }
    }

    /// Sets the events to watch for.
    func watch(_ connection: ClientConnection, for interest: Interest) {
        connection.interest = interest
        loop.rewatch(connection.stream.number, for: interest, token: connection.token)
    }

    /// Watches for the events that the connection waits for.
    ///
    /// An event that it no longer wants stays watched until it comes, so that most requests change nothing.
    func updateInterest(_ connection: ClientConnection) {
        var interest = connection.interest
        if connection.exchange.output.count > 0 || connection.stream.wantsRoom {
            interest.insert(.writable)
        } else {
            interest.remove(.writable)
        }
        if connection.isReading, !connection.exchange.machine.hasInputEnded { interest.insert(.readable) }
        if interest != connection.interest { watch(connection, for: interest) }
    }

    /// Closes a connection, cancels its handler, and gives its slot back.
    func close(_ connection: ClientConnection) {
        guard connection.phase != .closed else { return }
        connection.phase = .closed
        slots.giveBack(connection.place)
        connection.task?.cancel()
        connection.task = nil
        connection.contentWaiter.take()?.resume(returning: .failure(.disconnected))
        connection.roomWaiter.take()?.resume(returning: false)
        table.remove(connection)
    }

    /// Closes a connection whose unsent output is of no use any more.
    func breakOff(_ connection: ClientConnection) {
        connection.stream.breakOff()
        close(connection)
    }
}
