// How bytes that come become requests, and answers become bytes that go.

import HTTP
import Sockets

extension Worker {
    /// Reads once, and acts on what came.
    func receive(_ connection: Connection) {
        guard connection.isReading, connection.phase == .open else {
            // More came than is wanted now: it stays in the socket, whose window then stops the peer.
            if connection.interest.contains(.readable) {
                watch(connection, for: connection.interest.subtracting(.readable))
            }
            return
        }
        switch connection.stream.receive(into: &scratch) {
        case .bytes(let count):
            take(connection, count)
        case .wouldBlock:
            settle(connection)
        case .ended:
            connection.machine.peerEnded(limits: limits, now: now)
            connection.interest.subtract([.readable, .peerEnd])
            watch(connection, for: connection.interest)
            advance(connection)
        case .broken:
            close(connection)
        }
    }

    /// Acts on the first bytes of `scratch`, where possible without copying them.
    private func take(_ connection: Connection, _ count: Int) {
        if connection.input.isEmpty {
            let consumed = exchange(connection, scratch.span.extracting(first: count))
            if consumed < count { connection.input = Array(scratch[consumed..<count]) }
        } else {
            connection.input.append(contentsOf: scratch[..<count])
            consumeInput(connection)
        }
        settle(connection)
    }

    /// Goes on with what is there, after something other than bytes has happened.
    func advance(_ connection: Connection) {
        guard connection.phase == .open || connection.phase == .finishing else { return }
        if flush(connection) { return }
        consumeInput(connection)
        settle(connection)
    }

    private func consumeInput(_ connection: Connection) {
        let input = connection.input
        let consumed = exchange(connection, input.span)
        if consumed == input.count {
            connection.input = []
        } else if consumed > 0 {
            connection.input = Array(input[consumed...])
        }
    }

    /// Lets the machine look at the bytes and does what it says.
    ///
    /// - Returns: how many bytes were consumed.
    private func exchange(_ connection: Connection, _ bytes: Span<UInt8>) -> Int {
        var position = 0
        var answers = 0
        while connection.phase == .open {
            let action = connection.machine.next(bytes, position: &position, limits: limits, now: now)
            switch action {
            case .read, .pause:
                connection.isReading = if case .read = action { true } else { false }
                return position
            case .finish:
                connection.phase = .finishing
            case .content(let range):
                let piece = bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
                connection.contentWaiter.take()?.resume(returning: .success(piece))
            case .start(let parsed):
                start(connection, parsed)
                answers += 1
                if answers == limits.pipelinedPerTurnMax {
                    connection.isReading = false
                    unfinished.append(connection.token)
                    return position
                }
            case .contentEnd, .contentFailed, .refuse:
                act(connection, action)
            }
        }
        return position
    }

    /// Does what the machine says and needs no bytes.
    func act(_ connection: Connection, _ action: ConnectionMachine.Action) {
        switch action {
        case .contentEnd:
            connection.contentWaiter.take()?.resume(returning: .success(nil))
        case .contentFailed(let error):
            connection.contentWaiter.take()?.resume(returning: .failure(error))
        case .refuse(let error):
            connection.exchange = Connection.Exchange()
            _ = answer(connection, application.refusal(error))
        case .finish:
            connection.phase = .finishing
        case .read, .pause, .start, .content:
            preconditionFailure("these are about bytes")
        }
    }

    private func start(_ connection: Connection, _ parsed: ParsedHead) {
        connection.exchangeNumber += 1
        connection.exchange.isHead = parsed.head.method == .head
        connection.exchange.version = parsed.head.version
        if parsed.content == .none, let response = application.fastPath?(parsed.head) {
            if case .stream = response.body {
                preconditionFailure("a streamed answer needs a task, so the fast path cannot give it")
            }
            _ = answer(connection, response)
        } else {
            startHandler(connection, parsed)
        }
    }

    /// Writes the head of an answer, and its content unless that is streamed.
    ///
    /// - Returns: whether streamed content has to follow.
    func answer(_ connection: Connection, _ response: Response) -> Bool {
        let framing = ResponseEncoder.framing(of: response, to: connection.exchange.version)
        let keepsAlive = connection.machine.answerBegins(limits: limits)
        connection.exchange.framing = framing
        connection.output.borrow(&spareOutput)
        connection.output.gather {
            ResponseEncoder.appendHead(of: response, framing: framing, closes: !keepsAlive, date: dateLine, to: &$0)
        }
        if !connection.exchange.isHead, framing != .none {
            switch response.body {
            case .empty: break
            case .bytes(let bytes): connection.output.append(bytes)
            case .stream: return true
            }
        }
        connection.machine.answerEnds(isComplete: true, limits: limits, now: now)
        return false
    }

    /// Sends what waits, as far as there is room.
    ///
    /// - Returns: whether the connection was lost and closed.
    private func flush(_ connection: Connection) -> Bool {
        while connection.output.count > 0 {
            let output = connection.output.first
            switch connection.stream.send(output, from: connection.output.sent, hasMore: connection.output.hasMore) {
            case .bytes(let count):
                connection.sentTotal += count
                connection.output.advance(by: count)
            case .wouldBlock:
                connection.machine.outputChanged(pending: connection.output.count, now: now)
                return false
            case .broken:
                close(connection)
                return true
            }
        }
        connection.output.giveBack(to: &spareOutput)
        connection.machine.outputChanged(pending: 0, now: now)
        return false
    }

    /// Sends, closes or waits, after all bytes at hand were acted on.
    func settle(_ connection: Connection) {
        guard connection.phase != .closed, connection.phase != .lingering else { return }
        let isFull = connection.output.count >= limits.outputBytesMax
        if connection.output.count > 0 || connection.machine.hasOutput, flush(connection) { return }
        if connection.output.count <= limits.outputBytesMax / 2 {
            connection.roomWaiter.take()?.resume(returning: true)
            // The machine may have paused for want of room, and there is room now.
            if isFull, !connection.input.isEmpty { unfinished.append(connection.token) }
        }
        if connection.phase == .finishing, connection.output.count == 0 { return finish(connection) }
        var interest = connection.interest
        if connection.output.count > 0 { interest.insert(.writable) } else { interest.remove(.writable) }
        if connection.isReading, !connection.machine.hasInputEnded { interest.insert(.readable) }
        if interest != connection.interest { watch(connection, for: interest) }
        arm(connection)
    }

    /// Closes the sending side, and the connection once the peer has closed its side or its time is up.
    private func finish(_ connection: Connection) {
        guard connection.machine.lingers(limits: limits, now: now) else { return close(connection) }
        connection.stream.finishSending()
        connection.phase = .lingering
        connection.input = []
        watch(connection, for: .readable)
        arm(connection)
    }

    /// Drops what a peer still sends after the last answer.
    func discard(_ connection: Connection) {
        switch connection.stream.discard(max: 1 << 20) {
        case .bytes(let count):
            if !connection.machine.lingered(bytes: count, limits: limits) { close(connection) }
        case .wouldBlock:
            break
        case .ended, .broken:
            close(connection)
        }
    }

    /// Acts on a deadline that has passed.
    func expire(_ connection: Connection) {
        if connection.output.count > 0 {
            let acknowledged = connection.sentTotal - connection.stream.unacknowledged
            connection.machine.peerAcknowledged(total: acknowledged, now: now)
        }
        switch connection.machine.expire(now: now) {
        case .none:
            arm(connection)
        case .refuse(let error):
            act(connection, .refuse(error))
            advance(connection)
        case .contentFailed(let error):
            act(connection, .contentFailed(error))
            advance(connection)
        case .cancel:
            connection.task?.cancel()
            arm(connection)
        case .close:
            // What the peer would not take is of no use to it any more.
            if connection.output.count > 0 { connection.stream.breakOff() }
            close(connection)
        }
    }
}
