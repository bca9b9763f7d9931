// Accepts connections: TLS handshakes, 503 for more connections than allowed, pauses when descriptors run out.

import HTTP
import Sockets

/// The listener of a loop, and the start of the loop's connections.
final class Acceptor {
    /// Connections taken in one turn before the others get theirs.
    static let acceptsPerTurnMax = 64
    /// Nanoseconds for which accepting pauses when there are no descriptors.
    private static let exhaustionPause: Int64 = 100_000_000

    private let loop: EventLoop
    private let slots: ConnectionSlots
    private let limits: CheckedLimits
    private let table: ConnectionTable
    private let agenda: LoopAgenda
    private let sender: AnswerSender
    private let requests: RequestReader
    private var listener: Listener?
    /// The token of the listener's events.
    let token: UInt64
    /// The certificate for new connections; those that are open keep theirs.
    var tls: TLSContext?

    init(
        listener: consuming Listener, tls: TLSContext?, loop: EventLoop, slots: ConnectionSlots,
        limits: CheckedLimits, table: ConnectionTable, agenda: LoopAgenda, sender: AnswerSender,
        requests: RequestReader
    ) {
        token = UInt64(UInt32(listener.number))
        self.listener = consume listener
        self.tls = tls
        self.loop = loop
        self.slots = slots
        self.limits = limits
        self.table = table
        self.agenda = agenda
        self.sender = sender
        self.requests = requests
    }

    /// Takes the connections that wait.
    func acceptWaiting(atMost max: Int) {
        for _ in 0..<max {
            guard let accepted = listener?.accept() else { return }
            switch consume accepted {
            case .none:
                return
            case .exhausted:
                watchListener(for: [])
                agenda.schedule(token, after: Self.exhaustionPause)
                return
            case .stream(let stream, let peer):
                add(stream, peer)
            }
        }
    }

    private func add(_ stream: consuming Sockets.Stream, _ peer: SocketAddress) {
        guard let place = slots.take() else { return }
        let number = stream.number
        let token = table.newToken(descriptor: number)
        let connection = ClientConnection(
            stream, token: token, peer: peer, place: place,
            machine: ConnectionMachine(isSecured: tls != nil, limits: limits, now: agenda.now))
        do throws(SocketError) {
            if let tls {
                try connection.stream.secure(tls)
                connection.phase = .handshaking
            }
            try loop.watch(number, for: connection.interest, token: token)
        } catch {
            // There is no memory for one more: the connection closes.
            return slots.giveBack(place)
        }
        table.insert(connection)
        if place == .refusal, tls != nil {
            // An answer would take a handshake.
            sender.close(connection)
        } else if place == .refusal {
            let error = RequestError(.serviceUnavailable, "The server has as many connections as it takes.")
            connection.exchange.machine.refuseConnection()
            requests.refuse(&connection.exchange, error, requests.writer)
            requests.advance(connection)
        } else if tls != nil {
            shakeHands(connection)
        } else {
            // The first bytes are often there already.
            requests.receive(connection)
        }
    }

    /// Continues a TLS handshake.
    func shakeHands(_ connection: ClientConnection) {
        switch connection.stream.handshake() {
        case .done:
            connection.phase = .open
            connection.exchange.machine.handshakeEnded(now: agenda.now)
            sender.settle(connection)
        case .underWay:
            sender.updateInterest(connection)
            agenda.arm(connection)
        case .failed:
            sender.close(connection)
        }
    }

    /// Takes connections again after a pause.
    func resume() {
        watchListener(for: .readable)
    }

    /// Takes the connections that wait, which closing would reset, and then closes the listener.
    func stop() {
        acceptWaiting(atMost: .max)
        // Closing the listener also ends its watch.
        listener = nil
    }

    private func watchListener(for interest: Interest) {
        guard let number = listener?.number else { return }
        loop.rewatch(number, for: interest, token: token)
    }
}
