// How bytes that come become requests, and answers become bytes that go.

import HTTP
import Sockets

extension Worker {
    /// What answering needs to know and stays the same while a batch of requests is answered.
    struct Turn {
        let fastPath: (@Sendable (RequestHead) -> Response?)?
        let date: [UInt8]
        let now: MonotonicTime
    }

    var turn: Turn {
        Turn(fastPath: application.fastPath, date: dateLine, now: now)
    }

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
            connection.exchange.machine.peerEnded(now: now)
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
            let consumed = consume(connection, scratch.span.extracting(first: count))
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
        let consumed = consume(connection, input.span)
        if consumed == input.count {
            connection.input = []
        } else if consumed > 0 {
            connection.input = Array(input[consumed...])
        }
    }

    /// Lets the machine look at the bytes and does what it says.
    ///
    /// - Returns: how many bytes were consumed.
    private func consume(_ connection: Connection, _ bytes: Span<UInt8>) -> Int {
        guard connection.phase == .open else { return 0 }
        connection.exchange.output.borrow(&spareOutput)
        return consume(&connection.exchange, connection, bytes)
    }

    /// While this runs, nothing else touches `connection.exchange`.
    private func consume(_ exchange: inout Exchange, _ connection: Connection, _ bytes: Span<UInt8>) -> Int {
        // Read once: a property of the actor costs a reference count at each use.
        let turn = self.turn
        var recent = self.recent
        var position = 0
        var answers = 0
        while true {
            switch exchange.machine.next(bytes, position: &position, recent: recent, now: turn.now) {
            case .read:
                connection.isReading = true
                return position
            case .pause:
                connection.isReading = false
                return position
            case .finish:
                connection.phase = .finishing
                return position
            case .content(let range):
                let piece = bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
                connection.contentWaiter.take()?.resume(returning: .success(piece))
            case .contentEnd:
                connection.contentWaiter.take()?.resume(returning: .success(nil))
            case .contentFailed(let error):
                connection.contentWaiter.take()?.resume(returning: .failure(error))
            case .refuse(let error):
                refuse(&exchange, error, turn)
            case .start(let parsed):
                if start(&exchange, connection, parsed, turn) {
                    recent = parsed
                    self.recent = parsed
                }
                answers += 1
            case .startRecent:
                guard let recent else { preconditionFailure("what was recent is there") }
                _ = start(&exchange, connection, recent, turn)
                answers += 1
            }
            // The rest has to wait for the other connections, and for room.
            if answers == bounds.limits.pipelinedPerTurnMax || exchange.output.count >= bounds.limits.outputBytesMax {
                connection.isReading = false
                unfinished.append(connection.token)
                return position
            }
        }
    }

    /// Answers what no handler gets to see.
    func refuse(_ exchange: inout Exchange, _ error: RequestError, _ turn: borrowing Turn) {
        exchange.isHead = false
        exchange.version = .http11
        _ = answer(&exchange, application.refusal(error), turn)
    }

    /// Has a request answered.
    ///
    /// - Returns: whether the fast path did it.
    private func start(
        _ exchange: inout Exchange, _ connection: Connection, _ parsed: ParsedHead, _ turn: borrowing Turn
    ) -> Bool {
        exchange.isHead = parsed.head.method == .head
        exchange.version = parsed.head.version
        guard parsed.content == .none, let response = turn.fastPath?(parsed.head) else {
            startHandler(connection, parsed)
            return false
        }
        if case .stream = response.body {
            preconditionFailure("a streamed answer needs a task, so the fast path cannot give it")
        }
        _ = answer(&exchange, response, turn)
        return true
    }

    /// Writes the head of an answer, and its content unless that is streamed.
    ///
    /// - Returns: whether streamed content has to follow.
    func answer(_ exchange: inout Exchange, _ response: Response, _ turn: borrowing Turn) -> Bool {
        let framing = ResponseEncoder.framing(of: response, to: exchange.version)
        let keepsAlive = exchange.machine.answerBegins()
        exchange.framing = framing
        exchange.output.gather {
            ResponseEncoder.appendHead(of: response, framing: framing, closes: !keepsAlive, date: turn.date, to: &$0)
        }
        if !exchange.isHead, framing != .none {
            switch response.body {
            case .empty: break
            case .bytes(let bytes): exchange.output.append(bytes)
            case .stream: return true
            }
        }
        exchange.machine.answerEnds(isComplete: true, now: turn.now)
        return false
    }

    /// Sends what waits, as far as there is room.
    ///
    /// - Returns: whether the connection was lost and closed.
    private func flush(_ connection: Connection) -> Bool {
        while connection.exchange.output.count > 0 {
            let output = connection.exchange.output.first
            switch connection.stream.send(
                output, from: connection.exchange.output.sent, hasMore: connection.exchange.output.hasMore)
            {
            case .bytes(let count):
                connection.sentTotal += count
                connection.exchange.output.advance(by: count)
            case .wouldBlock:
                connection.exchange.machine.outputChanged(pending: connection.exchange.output.count, now: now)
                return false
            case .broken:
                close(connection)
                return true
            }
        }
        connection.exchange.output.giveBack(to: &spareOutput)
        connection.exchange.machine.outputChanged(pending: 0, now: now)
        return false
    }

    /// Sends, closes or waits, after all bytes at hand were acted on.
    func settle(_ connection: Connection) {
        guard connection.phase != .closed, connection.phase != .lingering else { return }
        let isFull = connection.exchange.output.count >= bounds.limits.outputBytesMax
        if connection.exchange.output.count > 0 || connection.exchange.machine.hasOutput, flush(connection) { return }
        if connection.exchange.output.count <= bounds.limits.outputBytesMax / 2 {
            connection.roomWaiter.take()?.resume(returning: true)
            // The machine may have paused for want of room, and there is room now.
            if isFull, !connection.input.isEmpty { unfinished.append(connection.token) }
        }
        if connection.phase == .finishing, connection.exchange.output.count == 0 { return finish(connection) }
        updateInterest(connection)
        arm(connection)
    }

    /// Closes the sending side, and the connection once the peer has closed its side or its time is up.
    private func finish(_ connection: Connection) {
        connection.stream.finishSending()
        guard connection.exchange.machine.lingers(now: now) else { return close(connection) }
        connection.phase = .lingering
        connection.input = []
        watch(connection, for: .readable)
        arm(connection)
    }

    /// Drops what a peer still sends after the last answer.
    func discard(_ connection: Connection) {
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
    func expire(_ connection: Connection) {
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
