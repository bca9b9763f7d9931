// Connects running handlers with their connections: reads of content, answers, and writes of streamed content.

import HTTP
import Sockets

/// The operations that handlers perform on the connections of a loop.
final class HandlerPort {
    /// How a handler goes on after a write.
    enum AfterWrite {
        case goesOn
        /// It has written its share and lets the loop serve other connections.
        case yields
        /// Too much output waits to be sent.
        case waitsForRoom
    }

    /// Answers that are sent one after the other at most. An answer waits for the handlers of the others, a few
    /// hundredths of a millisecond each.
    private static let answersTogetherMax = 16
    /// Bytes that a handler may write without waiting before the loop serves other connections.
    private static let bytesPerTurnMax = 256 * 1024

    private let table: ConnectionTable
    private let agenda: LoopAgenda
    private let sender: AnswerSender
    private let requests: RequestReader
    private let outputBytesMax: Int
    /// Connections whose answer waits for others to be sent with it.
    private var answered: [UInt64] = []

    init(
        table: ConnectionTable, agenda: LoopAgenda, sender: AnswerSender, requests: RequestReader,
        limits: CheckedLimits
    ) {
        self.table = table
        self.agenda = agenda
        self.sender = sender
        self.requests = requests
        outputBytesMax = limits.values.outputBytesMax
    }

    /// The connection of a request; nil once the request is over.
    private func connection(_ id: ExchangeID) -> ClientConnection? {
        guard let connection = table[id.token], connection.exchangeNumber == id.number else { return nil }
        return connection
    }

    /// Resumes `waiter` with the next piece of content once it has arrived.
    func read(_ id: ExchangeID, _ waiter: CheckedContinuation<Result<[UInt8]?, BodyError>, Never>) {
        guard let connection = connection(id) else { return waiter.resume(returning: .failure(.disconnected)) }
        precondition(connection.contentWaiter == nil, "one task at a time reads a request's content")
        connection.contentWaiter = waiter
        if connection.exchange.machine.contentWanted() {
            connection.exchange.output.gather { ResponseEncoder.appendContinue(to: &$0) }
        }
        requests.advance(connection)
    }

    /// Sends a handler's answer.
    ///
    /// - Returns: whether streamed content has to follow.
    func deliver(_ response: Response, _ id: ExchangeID) -> Bool {
        guard let connection = connection(id), connection.exchange.machine.isAwaitingAnswer else { return false }
        guard !requests.writer.write(response, to: &connection.exchange) else {
            requests.advance(connection)
            return true
        }
        endExchange(connection)
        sendSoon(connection)
        return false
    }

    /// Sends an answer together with others. Each answer that wakes an idle client costs several microseconds, and the
    /// first of several wakes it for all.
    private func sendSoon(_ connection: ClientConnection) {
        answered.append(connection.token)
        if answered.count == Self.answersTogetherMax { sendAnswers() }
    }

    /// Sends the answers that wait for each other.
    func sendAnswers() {
        guard !answered.isEmpty else { return }
        let tokens = answered
        answered.removeAll(keepingCapacity: true)
        for token in tokens {
            if let connection = table[token] { requests.advance(connection) }
        }
    }

    /// Appends streamed content to an answer.
    ///
    /// - Throws: when the connection is gone.
    func write(_ bytes: [UInt8], _ id: ExchangeID) throws(Disconnected) -> AfterWrite {
        guard let connection = connection(id) else { throw Disconnected() }
        guard !bytes.isEmpty else { return .goesOn }
        if connection.exchange.framing == .chunked {
            connection.exchange.output.gather { ResponseEncoder.appendChunkStart(size: bytes.count, to: &$0) }
            connection.exchange.output.append(bytes)
            connection.exchange.output.gather { ResponseEncoder.appendChunkEnd(to: &$0) }
        } else {
            connection.exchange.output.append(bytes)
        }
        sender.settle(connection)
        guard connection.phase == .open else { throw Disconnected() }
        connection.writtenThisTurn += bytes.count
        if connection.exchange.output.count >= outputBytesMax { return .waitsForRoom }
        return connection.writtenThisTurn >= Self.bytesPerTurnMax ? .yields : .goesOn
    }

    /// Resumes `waiter` with true once there is room for more output, and with false when the connection is gone.
    func waitForRoom(_ id: ExchangeID, _ waiter: CheckedContinuation<Bool, Never>) {
        guard let connection = connection(id) else { return waiter.resume(returning: false) }
        guard connection.exchange.output.count >= outputBytesMax else { return waiter.resume(returning: true) }
        precondition(connection.roomWaiter == nil, "one task at a time writes an answer")
        connection.roomWaiter = waiter
    }

    /// Notes that a handler has waited, and may write its share again.
    func hasWaited(_ id: ExchangeID) {
        connection(id)?.writtenThisTurn = 0
    }

    /// Ends a streamed answer.
    func endStream(_ end: StreamEnd, _ id: ExchangeID) {
        guard let connection = connection(id) else { return }
        endExchange(connection)
        switch end {
        case .finished:
            if connection.exchange.framing == .chunked {
                connection.exchange.output.gather { ResponseEncoder.appendLastChunk(to: &$0) }
            }
            connection.exchange.machine.answerEnds(isComplete: true, now: agenda.now)
        case .aborted:
            connection.exchange.machine.answerEnds(isComplete: false, now: agenda.now)
        }
        requests.advance(connection)
    }

    /// Cuts the handler off from the connection, which may soon have another request.
    private func endExchange(_ connection: ClientConnection) {
        connection.exchangeNumber += 1
        connection.task = nil
        connection.contentWaiter.take()?.resume(returning: .failure(.disconnected))
    }
}
