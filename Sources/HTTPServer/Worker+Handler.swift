// How handlers run: their task, the content they read, and the answer they stream.

import HTTP
import Sockets

extension Worker {
    /// One request of one connection; a handler that outlives its request reaches nothing with it.
    struct ExchangeID: Sendable {
        let token: UInt64
        let number: Int
    }

    /// Bytes that a handler may write without waiting before the loop looks at other connections.
    private static let bytesPerTurnMax = 256 * 1024

    /// Gives a request to the handler.
    ///
    /// - Parameter content: all of its content, where it came together with its head.
    func startHandler(_ connection: ClientConnection, _ parsed: ParsedHead, _ content: [UInt8]?) {
        let id = ExchangeID(token: connection.token, number: connection.exchangeNumber)
        let request = Request(
            head: parsed.head, body: content.map(WholeContent.body) ?? body(parsed.content, id),
            remote: connection.peerText)
        connection.task = Task(executorPreference: loop) { await self.serve(request, id) }
    }

    private func body(_ content: ParsedHead.Content, _ id: ExchangeID) -> RequestBody {
        let length: Int? =
            switch content {
            case .none: 0
            case .length(let length): length
            case .chunked: nil
            }
        return RequestBody(declaredLength: length) { () async throws(BodyError) in try await self.nextContent(id).get()
        }
    }

    /// Outside the actor, though on its thread: the way into it and back would be a job each.
    private nonisolated func serve(_ request: Request, _ id: ExchangeID) async {
        let response = await application.handler(request)
        guard deliverHere(response, id), case .stream(let produce) = response.body else { return }
        let writer = ResponseWriter { (bytes) async throws(Disconnected) in
            try await self.write(bytes, id)
        }
        await endStream(id, await produce(writer))
    }

    private nonisolated func deliverHere(_ response: Response, _ id: ExchangeID) -> Bool {
        assumeIsolated { $0.deliver(response, id) }
    }

    /// Cuts the handler off from the connection, which may have another request by the time it looks again.
    private func endExchange(_ connection: ClientConnection) {
        connection.exchangeNumber += 1
        connection.task = nil
        connection.contentWaiter.take()?.resume(returning: .failure(.disconnected))
    }

    private func connection(_ id: ExchangeID) -> ClientConnection? {
        guard let connection = connection(id.token), connection.exchangeNumber == id.number else { return nil }
        return connection
    }

    private func nextContent(_ id: ExchangeID) async -> Result<[UInt8]?, BodyError> {
        // Everything is looked at inside: a task that does not prefer this loop may be interrupted before.
        await withCheckedContinuation { continuation in
            guard let connection = connection(id) else {
                continuation.resume(returning: .failure(.disconnected))
                return
            }
            precondition(connection.contentWaiter == nil, "one task at a time reads a request's content")
            connection.contentWaiter = continuation
            if connection.exchange.machine.contentWanted() {
                connection.exchange.output.gather { ResponseEncoder.appendContinue(to: &$0) }
            }
            advance(connection)
        }
    }

    /// Sends a handler's answer.
    ///
    /// - Returns: whether streamed content has to follow.
    private func deliver(_ response: Response, _ id: ExchangeID) -> Bool {
        guard let connection = connection(id), connection.exchange.machine.isAwaitingAnswer else { return false }
        guard !answer(&connection.exchange, response, turn) else {
            advance(connection)
            return true
        }
        endExchange(connection)
        sendSoon(connection)
        return false
    }

    private func write(_ bytes: [UInt8], _ id: ExchangeID) async throws(Disconnected) {
        guard let connection = connection(id) else { throw Disconnected() }
        guard !bytes.isEmpty else { return }
        if connection.exchange.framing == .chunked {
            connection.exchange.output.gather { ResponseEncoder.appendChunkStart(size: bytes.count, to: &$0) }
            connection.exchange.output.append(bytes)
            connection.exchange.output.gather { ResponseEncoder.appendChunkEnd(to: &$0) }
        } else {
            connection.exchange.output.append(bytes)
        }
        settle(connection)
        guard connection.phase == .open else { throw Disconnected() }
        connection.writtenThisTurn += bytes.count
        if connection.exchange.output.count >= limits.values.outputBytesMax {
            guard await hasRoom(id) else { throw Disconnected() }
        } else if connection.writtenThisTurn >= Self.bytesPerTurnMax {
            await Task.yield()
        } else {
            return
        }
        connection.writtenThisTurn = 0
    }

    /// Waits until there is room for more output; false when the connection is gone.
    private func hasRoom(_ id: ExchangeID) async -> Bool {
        await withCheckedContinuation { continuation in
            guard let connection = connection(id) else { return continuation.resume(returning: false) }
            guard connection.exchange.output.count >= limits.values.outputBytesMax else {
                return continuation.resume(returning: true)
            }
            precondition(connection.roomWaiter == nil, "one task at a time writes an answer")
            connection.roomWaiter = continuation
        }
    }

    private func endStream(_ id: ExchangeID, _ end: StreamEnd) {
        guard let connection = connection(id) else { return }
        endExchange(connection)
        switch end {
        case .finished:
            if connection.exchange.framing == .chunked {
                connection.exchange.output.gather { ResponseEncoder.appendLastChunk(to: &$0) }
            }
            connection.exchange.machine.answerEnds(isComplete: true, now: now)
        case .aborted:
            connection.exchange.machine.answerEnds(isComplete: false, now: now)
        }
        advance(connection)
    }
}
