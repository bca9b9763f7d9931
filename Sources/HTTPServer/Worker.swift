// One event loop with its listener and its connections.

import HTTP
import Sockets

/// One loop of a server: it accepts, reads, parses, answers and closes on one thread, without locks.
///
/// All of it is isolated to the loop's executor, and so are the handlers' tasks, which therefore reach their connection
/// without a thread hop.
actor Worker {
    /// Connections taken in one turn before the others get theirs.
    private static let acceptsPerTurnMax = 64
    /// How long accepting rests when there are no descriptors.
    private static let exhaustionPause: Int64 = 100_000_000

    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let application: Application
    let bounds: Bounds
    let admission: Admission
    /// What new connections are secured with.
    private var tls: TLSContext?
    private var listener: Listener?
    private let listenerToken: UInt64
    /// Connections by descriptor number; a token carries the number and a generation, so that a late event or handler
    /// never reaches a connection that got the same number.
    var table: [Connection?] = []
    private(set) var openCount = 0
    private var generation: UInt32 = 0
    private var drained: [CheckedContinuation<Void, Never>] = []

    private var wheel: TimerWheel
    private var dueEntries: [TimerWheel.Entry] = []
    /// Connections with bytes left to look at after their share of a turn.
    var unfinished: [UInt64] = []

    /// Where all connections read into; what is not consumed at once moves to the connection's own buffer.
    var scratch: [UInt8]
    /// The last head that the fast path answered; health checks repeat theirs.
    var recent: ParsedHead?
    /// Storage for answers, lent to the connection being served.
    var spareOutput: [UInt8] = []
    private var dateSecond = -1
    var dateLine: [UInt8] = []

    init(
        loop: EventLoop, listener: consuming Listener, application: Application, bounds: Bounds, admission: Admission,
        tls: TLSContext?
    ) {
        self.loop = loop
        listenerToken = UInt64(UInt32(listener.number))
        self.listener = consume listener
        self.application = application
        self.bounds = bounds
        self.admission = admission
        self.tls = tls
        wheel = TimerWheel(now: Clock.monotonicNanoseconds())
        scratch = Array(repeating: 0, count: bounds.limits.pieceBytesMax)
        spareOutput.reserveCapacity(bounds.limits.pieceBytesMax)
    }

    /// Starts the loop's thread.
    nonisolated func start(listener number: Int32) throws(SocketError) {
        try loop.watch(number, for: .readable, token: UInt64(UInt32(number)))
        try loop.start(
            EventLoop.Turn(
                timeout: { self.assumeIsolated { $0.millisecondsToWait() } },
                handle: { ready in self.assumeIsolated { $0.handle(ready) } }))
    }

    var now: MonotonicTime {
        MonotonicTime(nanoseconds: Clock.monotonicNanoseconds())
    }

    // MARK: A turn

    private func millisecondsToWait() -> Int32 {
        unfinished.isEmpty ? wheel.millisecondsToNext(now: Clock.monotonicNanoseconds()) : 0
    }

    private func handle(_ ready: [Readiness]) {
        let second = Clock.unixSeconds()
        if second != dateSecond {
            dateSecond = second
            dateLine = ResponseEncoder.dateLine(unixSeconds: second)
        }
        for readiness in ready {
            if readiness.token == listenerToken {
                acceptWaiting()
            } else if let connection = connection(readiness.token) {
                handle(readiness, connection)
            }
        }
        let continued = unfinished
        unfinished.removeAll(keepingCapacity: true)
        for token in continued {
            if let connection = connection(token) { advance(connection) }
        }
        expireDue()
    }

    private func handle(_ readiness: Readiness, _ connection: Connection) {
        if readiness.isBroken { return close(connection) }
        switch connection.phase {
        case .handshaking:
            shakeHands(connection)
        case .lingering:
            discard(connection)
        case .open, .finishing:
            if readiness.isReadable {
                receive(connection)
            } else if readiness.hasPeerEnded {
                connection.exchange.machine.peerHungUp(now: now)
                connection.interest.remove(.peerEnd)
                watch(connection, for: connection.interest)
                arm(connection)
            }
            if readiness.isWritable {
                if connection.stream.wantsRoom { receive(connection) }
                advance(connection)
            }
        case .closed:
            break
        }
    }

    private func expireDue() {
        wheel.advance(to: Clock.monotonicNanoseconds(), into: &dueEntries)
        guard !dueEntries.isEmpty else { return }
        let entries = dueEntries
        dueEntries.removeAll(keepingCapacity: true)
        for entry in entries {
            if entry.token == listenerToken {
                watchListener(for: .readable)
            } else if let connection = connection(entry.token), connection.scheduledTick == entry.tick {
                connection.scheduledTick = .max
                expire(connection)
            }
        }
    }

    /// Sees to it that the connection's next deadline comes up.
    func arm(_ connection: Connection) {
        guard let deadline = connection.exchange.machine.deadline else { return }
        let tick = TimerWheel.tick(atOrAfter: deadline.nanoseconds)
        // An earlier entry is left: when it comes up, the deadline is looked at again.
        guard tick < connection.scheduledTick else { return }
        connection.scheduledTick = tick
        wheel.schedule(connection.token, at: tick)
    }

    // MARK: The table

    func connection(_ token: UInt64) -> Connection? {
        let number = Int(truncatingIfNeeded: token & 0xFFFF_FFFF)
        guard number < table.count, let connection = table[number], connection.token == token else { return nil }
        return connection
    }

    private func acceptWaiting() {
        for _ in 0..<Self.acceptsPerTurnMax {
            // The listener is moved out while it is used, as a field of an actor cannot be consumed or borrowed for long.
            guard let accepted = listener?.accept() else { return }
            switch consume accepted {
            case .none:
                return
            case .exhausted:
                watchListener(for: [])
                let resume = Clock.monotonicNanoseconds() + Self.exhaustionPause
                wheel.schedule(listenerToken, at: TimerWheel.tick(atOrAfter: resume))
                return
            case .stream(let stream, let peer):
                add(stream, peer)
            }
        }
    }

    private func add(_ stream: consuming Sockets.Stream, _ peer: SocketAddress) {
        guard let place = admission.take() else { return }
        let number = Int(stream.number)
        // Generation 0 belongs to the listener.
        generation = generation == .max ? 1 : generation + 1
        let token = UInt64(generation) << 32 | UInt64(number)
        let connection = Connection(
            stream, token: token, peer: peer, place: place,
            machine: ConnectionMachine(isSecured: tls != nil, bounds: bounds, now: now))
        do throws(SocketError) {
            if let tls {
                try connection.stream.secure(tls)
                connection.phase = .handshaking
            }
            try loop.watch(Int32(number), for: connection.interest, token: token)
        } catch {
            // There is no memory for one more: the connection closes.
            return admission.giveBack(place)
        }
        while table.count <= number {
            table.append(nil)
        }
        table[number] = connection
        openCount += 1
        if place == .refusal, tls != nil {
            // Telling it so would take a handshake.
            close(connection)
        } else if place == .refusal {
            let error = RequestError(.serviceUnavailable, "The server has as many connections as it takes.")
            connection.exchange.machine.refuseConnection()
            refuse(&connection.exchange, error, turn)
            advance(connection)
        } else if tls != nil {
            shakeHands(connection)
        } else {
            // The first bytes are often there already.
            receive(connection)
        }
    }

    private func shakeHands(_ connection: Connection) {
        switch connection.stream.handshake() {
        case .done:
            connection.phase = .open
            connection.exchange.machine.handshakeEnded(now: now)
            settle(connection)
        case .underWay:
            updateInterest(connection)
            arm(connection)
        case .failed:
            close(connection)
        }
    }

    /// Watches for what the connection waits for. What it does not want is left until it comes, so that most requests
    /// change nothing.
    func updateInterest(_ connection: Connection) {
        var interest = connection.interest
        if connection.exchange.output.count > 0 || connection.stream.wantsRoom {
            interest.insert(.writable)
        } else {
            interest.remove(.writable)
        }
        if connection.isReading, !connection.exchange.machine.hasInputEnded { interest.insert(.readable) }
        if interest != connection.interest { watch(connection, for: interest) }
    }

    /// Secures connections from now on with another certificate; those that are open keep theirs.
    func replace(_ tls: TLSContext) {
        self.tls = tls
    }

    /// Forgets a connection and tells its handler.
    func close(_ connection: Connection) {
        guard connection.phase != .closed else { return }
        connection.phase = .closed
        table[Int(truncatingIfNeeded: connection.token & 0xFFFF_FFFF)] = nil
        openCount -= 1
        admission.giveBack(connection.place)
        connection.task?.cancel()
        connection.task = nil
        connection.contentWaiter.take()?.resume(returning: .failure(.disconnected))
        connection.roomWaiter.take()?.resume(returning: false)
        if openCount == 0 {
            for waiter in drained {
                waiter.resume()
            }
            drained = []
        }
    }

    // MARK: Shutting down

    /// Takes no more connections; those that wait already are taken first, as closing would reset them.
    ///
    /// From now on each answer says that its connection closes.
    func stopListening() {
        acceptWaiting()
        // Closing takes it out of the loop's watch as well.
        listener = nil
        for case let connection? in table {
            connection.exchange.machine.drain()
        }
    }

    /// Closes the connections that are idle.
    func closeIdle() {
        for case let connection? in table {
            if connection.phase == .handshaking { close(connection) } else { advance(connection) }
        }
    }

    /// Returns when no connection is left.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            if openCount == 0 { continuation.resume() } else { drained.append(continuation) }
        }
    }

    /// Closes every connection, cancelling its handler.
    func closeAll() {
        for case let connection? in table {
            connection.stream.breakOff()
            close(connection)
        }
    }

    private func watchListener(for interest: Interest) {
        guard let number = listener?.number else { return }
        loop.rewatch(number, for: interest, token: listenerToken)
    }

    func watch(_ connection: Connection, for interest: Interest) {
        connection.interest = interest
        loop.rewatch(connection.stream.number, for: interest, token: connection.token)
    }
}
