// How bytes that come become requests, and answers become bytes that go.

import Base
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
            connection.input.removeFirst(connection.inputStart)
            connection.inputStart = 0
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
        connection.inputStart += consume(connection, input.span.extracting(connection.inputStart..<input.count))
        if connection.inputStart == input.count {
            connection.input = []
            connection.inputStart = 0
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
                let piece = gather(range, &exchange, bytes, &position, turn.now)
                connection.contentWaiter.take()?.resume(returning: .success(piece))
            case .contentEnd:
                connection.contentWaiter.take()?.resume(returning: .success(nil))
            case .contentFailed(let error):
                connection.contentWaiter.take()?.resume(returning: .failure(error))
            case .refuse(let error):
                refuse(&exchange, error, turn)
            case .start(let parsed):
                let content = wholeContent(&exchange, bytes, &position, turn.now)
                if start(&exchange, connection, parsed, content, turn) {
                    recent = parsed
                    self.recent = parsed
                }
                answers += 1
            case .startRecent:
                guard let recent else { preconditionFailure("what was recent is there") }
                _ = start(&exchange, connection, recent, nil, turn)
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

    /// The content of the request that starts, where all of it came together with the head: small requests do, and are
    /// spared two questions for it.
    private func wholeContent(
        _ exchange: inout Exchange, _ bytes: Span<UInt8>, _ position: inout Int, _ now: MonotonicTime
    ) -> [UInt8]? {
        guard let range = exchange.machine.wholeContent(bytes, position: &position, now: now) else { return nil }
        return bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
    }

    /// A piece of content with those that follow it at once, so that a sender of tiny chunks does not wake the handler
    /// for each of them.
    private func gather(
        _ first: Range<Int>, _ exchange: inout Exchange, _ bytes: Span<UInt8>, _ position: inout Int,
        _ now: MonotonicTime
    ) -> [UInt8] {
        var piece = bytes.extracting(first).withUnsafeBufferPointer { Array($0) }
        guard piece.count + bytes.count - position <= bounds.limits.pieceBytesMax else { return piece }
        while position < bytes.count {
            _ = exchange.machine.contentWanted()
            let action = exchange.machine.next(bytes, position: &position, recent: nil, now: now)
            guard case .content(let more) = action else {
                // The end, an error, or a wait: the machine says it again when the handler asks again.
                exchange.machine.contentPostponed(now: now)
                break
            }
            bytes.extracting(more).withUnsafeBufferPointer { piece.append(contentsOf: $0) }
        }
        return piece
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
        _ exchange: inout Exchange, _ connection: Connection, _ parsed: ParsedHead, _ content: [UInt8]?,
        _ turn: borrowing Turn
    ) -> Bool {
        exchange.isHead = parsed.head.method == .head
        exchange.version = parsed.head.version
        guard parsed.content == .none, let response = turn.fastPath?(parsed.head) else {
            startHandler(connection, parsed, content)
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
}
