// One event loop of the server with its listener, its connections and its handlers.

import Base
import HTTP
import Sockets

/// One loop of a server: it accepts, reads, parses, answers and closes on one thread, without locks.
///
/// The worker is isolated to the loop's executor. Its parts are plain classes that only the worker reaches. The
/// handlers' tasks run on the same thread, and therefore reach their connection without a thread hop.
actor Worker {
    private nonisolated let isolation: LoopIsolation
    nonisolated var loop: EventLoop { isolation.loop }
    nonisolated var unownedExecutor: UnownedSerialExecutor { isolation.asUnownedSerialExecutor() }

    nonisolated let application: Application
    private nonisolated let listenerToken: UInt64
    private let table = ConnectionTable()
    private let agenda = LoopAgenda()
    private let sender: AnswerSender
    private let requests: RequestReader
    private let acceptor: Acceptor
    let port: HandlerPort

    init(
        loop: EventLoop, listener: consuming Listener, application: Application, limits: CheckedLimits,
        slots: ConnectionSlots, tls: TLSContext?
    ) {
        isolation = LoopIsolation(loop)
        self.application = application
        sender = AnswerSender(loop: loop, table: table, agenda: agenda, slots: slots, limits: limits)
        requests = RequestReader(application: application, limits: limits, agenda: agenda, sender: sender)
        port = HandlerPort(table: table, agenda: agenda, sender: sender, requests: requests, limits: limits)
        acceptor = Acceptor(
            listener: listener, tls: tls, loop: loop, slots: slots, limits: limits, table: table, agenda: agenda,
            sender: sender, requests: requests)
        listenerToken = acceptor.token
        requests.worker = self
    }

    /// Starts the loop's thread.
    nonisolated func start() throws(SocketError) {
        try loop.watch(Int32(listenerToken), for: .readable, token: listenerToken)
        try loop.start(
            EventLoop.Turn(
                finish: { self.assumeIsolated { $0.port.sendAnswers() } },
                timeout: { self.assumeIsolated { $0.agenda.millisecondsToWait } },
                handle: { ready in self.assumeIsolated { $0.handle(ready) } }))
    }

    // MARK: A turn

    private func handle(_ ready: [Readiness]) {
        requests.turnBegins()
        for readiness in ready {
            if readiness.token == listenerToken {
                acceptor.acceptWaiting(atMost: Acceptor.acceptsPerTurnMax)
            } else if let connection = table[readiness.token] {
                handle(readiness, connection)
            }
        }
        for token in agenda.takeUnfinished() {
            if let connection = table[token] { requests.advance(connection) }
        }
        expireDue()
    }

    private func handle(_ readiness: Readiness, _ connection: ClientConnection) {
        if readiness.isBroken { return sender.close(connection) }
        switch connection.phase {
        case .handshaking:
            acceptor.shakeHands(connection)
        case .lingering:
            sender.discard(connection)
        case .open, .finishing:
            if readiness.isReadable {
                requests.receive(connection)
            } else if readiness.hasPeerEnded {
                connection.exchange.machine.peerHungUp(now: agenda.now)
                connection.interest.remove(.peerEnd)
                sender.watch(connection, for: connection.interest)
                agenda.arm(connection)
            }
            if readiness.isWritable {
                if connection.stream.wantsRoom { requests.receive(connection) }
                requests.advance(connection)
            }
        case .closed:
            break
        }
    }

    private func expireDue() {
        for entry in agenda.takeDue() {
            if entry.token == listenerToken {
                acceptor.resume()
            } else if let connection = table[entry.token], connection.scheduledTick == entry.tick {
                connection.scheduledTick = .max
                requests.expire(connection)
            }
        }
    }

    // MARK: Handlers

    /// The next piece of a request's content; nil at its end.
    func nextContent(_ id: ExchangeID) async -> Result<[UInt8]?, BodyError> {
        // The connection is looked up inside: a task that does not prefer this loop may be interrupted before.
        await withCheckedContinuation { port.read(id, $0) }
    }

    /// Writes streamed content of an answer, and waits while too much output waits to be sent.
    func write(_ bytes: [UInt8], _ id: ExchangeID) async throws(Disconnected) {
        switch try port.write(bytes, id) {
        case .goesOn: return
        case .yields: await Task.yield()
        case .waitsForRoom:
            guard await withCheckedContinuation({ port.waitForRoom(id, $0) }) else { throw Disconnected() }
        }
        port.hasWaited(id)
    }

    /// Ends a streamed answer.
    func endStream(_ end: StreamEnd, _ id: ExchangeID) {
        port.endStream(end, id)
    }

    // MARK: Shutting down

    /// Secures new connections with another certificate; open connections keep theirs.
    func replace(_ tls: TLSContext) {
        acceptor.tls = tls
    }

    /// Takes no more connections. From now on each answer says that its connection closes.
    func stopListening() {
        acceptor.stop()
        for case let connection? in table.all {
            connection.exchange.machine.drain()
        }
    }

    /// Closes the connections that are idle.
    func closeIdle() {
        for case let connection? in table.all {
            if connection.phase == .handshaking { sender.close(connection) } else { requests.advance(connection) }
        }
    }

    /// Returns when no connection is left.
    func waitUntilEmpty() async {
        await withCheckedContinuation { table.resumeWhenEmpty($0) }
    }

    /// Closes every connection and cancels its handler.
    func closeAll() {
        for case let connection? in table.all {
            sender.breakOff(connection)
        }
    }
}
