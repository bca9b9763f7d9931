// Reads the bytes of connections, parses requests, and has them answered by the fast path or a handler.

import HTTP
import Sockets

/// The receiving side of a loop's connections.
final class RequestReader {
    private let application: Application
    private let limits: CheckedLimits
    private let agenda: LoopAgenda
    private let sender: AnswerSender
    /// The worker that the handlers of requests report to; set once by the worker itself.
    unowned var worker: Worker?

    /// The buffer that all connections read into. Bytes that are not consumed at once move to the connection's buffer.
    private var scratch: [UInt8]
    /// The last head that the fast path answered; health checks repeat theirs.
    private var recent: ParsedHead?
    private var date = DateLine()

    init(application: Application, limits: CheckedLimits, agenda: LoopAgenda, sender: AnswerSender) {
        self.application = application
        self.limits = limits
        self.agenda = agenda
        self.sender = sender
        scratch = Array(repeating: 0, count: limits.values.pieceBytesMax)
    }

    /// Begins a turn of the loop.
    func turnBegins() {
        date.update()
    }

    /// A writer for answers that are written now.
    var writer: AnswerWriter {
        AnswerWriter(fastPath: application.fastPath, date: date.bytes, now: agenda.now)
    }

    /// Reads once, and handles the bytes that came.
    func receive(_ connection: ClientConnection) {
        guard connection.isReading, connection.phase == .open else {
            // Bytes that are not wanted yet stay in the socket, whose window then stops the peer.
            if connection.interest.contains(.readable) {
                sender.watch(connection, for: connection.interest.subtracting(.readable))
            }
            return
        }
        switch connection.stream.receive(into: &scratch) {
        case .bytes(let count):
            take(connection, count)
        case .wouldBlock:
            sender.settle(connection)
        case .ended:
            connection.exchange.machine.peerEnded(now: agenda.now)
            connection.interest.subtract([.readable, .peerEnd])
            sender.watch(connection, for: connection.interest)
            advance(connection)
        case .broken:
            sender.close(connection)
        }
    }

    /// Handles the first bytes of `scratch`, without a copy where all of them are consumed.
    private func take(_ connection: ClientConnection, _ count: Int) {
        if connection.input.isEmpty {
            let consumed = consume(connection, scratch.span.extracting(first: count))
            if consumed < count { connection.input = Array(scratch[consumed..<count]) }
        } else {
            connection.input.removeFirst(connection.inputStart)
            connection.inputStart = 0
            connection.input.append(contentsOf: scratch[..<count])
            consumeInput(connection)
        }
        sender.settle(connection)
    }

    /// Continues a connection after an event other than received bytes.
    func advance(_ connection: ClientConnection) {
        guard connection.phase == .open || connection.phase == .finishing else { return }
        if sender.flush(connection) { return }
        consumeInput(connection)
        sender.settle(connection)
    }

    private func consumeInput(_ connection: ClientConnection) {
        let input = connection.input
        connection.inputStart += consume(connection, input.span.extracting(connection.inputStart..<input.count))
        if connection.inputStart == input.count {
            connection.input = []
            connection.inputStart = 0
        }
    }

    /// Passes bytes to the connection's machine and performs its actions.
    ///
    /// - Returns: the number of consumed bytes.
    private func consume(_ connection: ClientConnection, _ bytes: Span<UInt8>) -> Int {
        guard connection.phase == .open else { return 0 }
        sender.lendBuffer(to: connection)
        return consume(&connection.exchange, connection, bytes)
    }

    /// While this runs, nothing else touches `connection.exchange`.
    private func consume(_ exchange: inout ConnectionExchange, _ connection: ClientConnection, _ bytes: Span<UInt8>)
        -> Int
    {
        // Read once: a property of a class costs a reference count at each use.
        let writer = self.writer
        var recent = self.recent
        var position = 0
        var answers = 0
        while true {
            switch exchange.machine.next(bytes, position: &position, recent: recent, now: writer.now) {
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
                let piece = exchange.gather(
                    range, bytes, &position, bytesMax: limits.values.pieceBytesMax, writer.now)
                connection.contentWaiter.take()?.resume(returning: .success(piece))
            case .contentEnd:
                connection.contentWaiter.take()?.resume(returning: .success(nil))
            case .contentFailed(let error):
                connection.contentWaiter.take()?.resume(returning: .failure(error))
            case .refuse(let error):
                refuse(&exchange, error, writer)
            case .start(let parsed):
                let content = exchange.wholeContent(bytes, &position, writer.now)
                if start(&exchange, connection, parsed, content, writer) {
                    recent = parsed
                    self.recent = parsed
                }
                answers += 1
            case .startRecent:
                guard let recent else { preconditionFailure("the machine compared with the recent head") }
                _ = start(&exchange, connection, recent, nil, writer)
                answers += 1
            }
            // The rest has to wait for the other connections, and for room.
            if answers == limits.values.pipelinedPerTurnMax || exchange.output.count >= limits.values.outputBytesMax {
                connection.isReading = false
                agenda.continueNextTurn(connection)
                return position
            }
        }
    }

    /// Starts to answer a request.
    ///
    /// - Returns: whether the fast path answered it.
    private func start(
        _ exchange: inout ConnectionExchange, _ connection: ClientConnection, _ parsed: ParsedHead, _ content: [UInt8]?,
        _ writer: borrowing AnswerWriter
    ) -> Bool {
        exchange.isHead = parsed.head.method == .head
        exchange.version = parsed.head.version
        guard parsed.content == .none, let response = writer.fastPath?(parsed.head) else {
            guard let worker else { preconditionFailure("a worker sets itself before its loop starts") }
            let id = ExchangeID(token: connection.token, number: connection.exchangeNumber)
            connection.task = HandlerRun(worker: worker, id: id).start(parsed, content, peer: connection.peerText)
            return false
        }
        if case .stream = response.body {
            preconditionFailure("a streamed answer needs a task, so the fast path cannot give it")
        }
        _ = writer.write(response, to: &exchange)
        return true
    }

    /// Answers a request that no handler sees.
    func refuse(_ exchange: inout ConnectionExchange, _ error: RequestError, _ writer: borrowing AnswerWriter) {
        exchange.isHead = false
        exchange.version = .http11
        _ = writer.write(application.refusal(error), to: &exchange)
    }

    /// Acts on a deadline that has passed.
    func expire(_ connection: ClientConnection) {
        if connection.exchange.output.count > 0 {
            let acknowledged = connection.sentTotal - connection.stream.unacknowledged
            connection.exchange.machine.peerAcknowledged(total: acknowledged, now: agenda.now)
        }
        switch connection.exchange.machine.expire(now: agenda.now) {
        case .none:
            agenda.arm(connection)
        case .refuse(let error):
            refuse(&connection.exchange, error, writer)
            advance(connection)
        case .contentFailed(let error):
            connection.contentWaiter.take()?.resume(returning: .failure(error))
            agenda.arm(connection)
        case .cancel:
            connection.task?.cancel()
            agenda.arm(connection)
        case .close:
            // Output that the peer does not take is of no use to it any more.
            guard connection.exchange.output.count == 0 else { return sender.breakOff(connection) }
            connection.stream.finishSending()
            sender.close(connection)
        }
    }
}
