// One event loop with its listener and its connections.

import Base
import HTTP
import Sockets

/// One loop of a server: it accepts, reads, parses, answers and closes on one thread, without locks.
///
/// All of it is isolated to the loop's executor, and so are the handlers' tasks, which therefore reach their connection
/// without a thread hop.
actor Worker {
    /// Answers that are sent one after the other at most. An answer waits for the handlers of the others, a few hundredths of
    /// a millisecond each.
    private static let answersTogetherMax = 16

    private nonisolated let isolation: LoopIsolation
    nonisolated var loop: EventLoop { isolation.loop }
    nonisolated var unownedExecutor: UnownedSerialExecutor { isolation.asUnownedSerialExecutor() }

    let application: Application
    let bounds: Bounds
    let admission: ConnectionSlots
    /// What new connections are secured with.
    var tls: TLSContext?
    var listener: Listener?
    let listenerToken: UInt64
    /// Connections by descriptor number; a token carries the number and a generation, so that a late event or handler
    /// never reaches a connection that got the same number.
    var table: [Connection?] = []
    var openCount = 0
    var generation: UInt32 = 0
    private var drained: [CheckedContinuation<Void, Never>] = []

    var wheel: TimerWheel
    private var dueEntries: [TimerWheel.Entry] = []
    /// Connections with bytes left to look at after their share of a turn.
    var unfinished: [UInt64] = []
    /// Connections with an answer that waits for others to be sent with it.
    private var answered: [UInt64] = []

    /// Where all connections read into; what is not consumed at once moves to the connection's own buffer.
    var scratch: [UInt8]
    /// The last head that the fast path answered; health checks repeat theirs.
    var recent: ParsedHead?
    /// Storage for answers, lent to the connection being served.
    var spareOutput: [UInt8] = []
    private var dateSecond = -1
    var dateLine: [UInt8] = []

    init(
        loop: EventLoop, listener: consuming Listener, application: Application, bounds: Bounds,
        admission: ConnectionSlots,
        tls: TLSContext?
    ) {
        isolation = LoopIsolation(loop)
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
    nonisolated func start() throws(SocketError) {
        try loop.watch(Int32(listenerToken), for: .readable, token: listenerToken)
        try loop.start(
            EventLoop.Turn(
                finish: { self.assumeIsolated { $0.sendAnswers() } },
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
                acceptWaiting(atMost: Self.acceptsPerTurnMax)
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

    /// Sees to it that an answer is sent soon: each that wakes a client which had nothing to do costs several microseconds
    /// for that, and the first of some wakes it for all.
    func sendSoon(_ connection: Connection) {
        answered.append(connection.token)
        if answered.count == Self.answersTogetherMax { sendAnswers() }
    }

    private func sendAnswers() {
        guard !answered.isEmpty else { return }
        let tokens = answered
        answered.removeAll(keepingCapacity: true)
        for token in tokens {
            if let connection = connection(token) { advance(connection) }
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

    func watch(_ connection: Connection, for interest: Interest) {
        connection.interest = interest
        loop.rewatch(connection.stream.number, for: interest, token: connection.token)
    }
}
