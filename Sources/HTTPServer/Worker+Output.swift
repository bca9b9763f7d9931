// How answers leave, and how connections end.

import HTTP
import Sockets

extension Worker {
    /// Sends what waits, as far as there is room.
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
                noteOutput(connection)
                return false
            case .broken:
                close(connection)
                return true
            }
        }
        connection.exchange.output.giveBack(to: &spareOutput)
        noteOutput(connection)
        return false
    }

    private func noteOutput(_ connection: ClientConnection) {
        if connection.exchange.machine.outputChanged(pending: connection.exchange.output.count, now: now) {
            unfinished.append(connection.token)
        }
    }

    /// Sends, closes or waits, after all bytes at hand were acted on.
    func settle(_ connection: ClientConnection) {
        guard connection.phase != .closed, connection.phase != .lingering else { return }
        if connection.exchange.output.count > 0 || connection.exchange.machine.hasOutput, flush(connection) { return }
        if connection.exchange.output.count <= limits.values.outputBytesMax / 2 {
            connection.roomWaiter.take()?.resume(returning: true)
        }
        if connection.phase == .finishing, connection.exchange.output.count == 0 { return finish(connection) }
        updateInterest(connection)
        arm(connection)
    }

    /// Closes the sending side, and the connection once the peer has closed its side or its time is up.
    private func finish(_ connection: ClientConnection) {
        connection.stream.finishSending()
        guard connection.exchange.machine.lingers(now: now) else { return close(connection) }
        connection.phase = .lingering
        connection.input = []
        connection.inputStart = 0
        watch(connection, for: .readable)
        arm(connection)
    }

    /// Drops what a peer still sends after the last answer.
    func discard(_ connection: ClientConnection) {
        switch connection.stream.discard(max: 1 << 20) {
        case .bytes(let count):
            if !connection.exchange.machine.lingered(bytes: count) { close(connection) }
        case .wouldBlock:
            break
        case .ended, .broken:
            close(connection)
        }
    }

    /// Acts on a deadline that has passed.
    func expire(_ connection: ClientConnection) {
        if connection.exchange.output.count > 0 {
            let acknowledged = connection.sentTotal - connection.stream.unacknowledged
            connection.exchange.machine.peerAcknowledged(total: acknowledged, now: now)
        }
        switch connection.exchange.machine.expire(now: now) {
        case .none:
            arm(connection)
        case .refuse(let error):
            refuse(&connection.exchange, error, turn)
            advance(connection)
        case .contentFailed(let error):
            connection.contentWaiter.take()?.resume(returning: .failure(error))
            arm(connection)
        case .cancel:
            connection.task?.cancel()
            arm(connection)
        case .close:
            // What the peer would not take is of no use to it any more.
            if connection.exchange.output.count > 0 {
                connection.stream.breakOff()
            } else {
                connection.stream.finishSending()
            }
            close(connection)
        }
    }
}
