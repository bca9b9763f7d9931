// How connections begin: accepting, the TLS handshake, and refusing more than there is room for.

import HTTP
import Sockets

extension Worker {
    /// Connections taken in one turn before the others get theirs.
    static let acceptsPerTurnMax = 64
    /// Nanoseconds for which accepting rests when there are no descriptors.
    private static let exhaustionPause: Int64 = 100_000_000

    /// Takes the connections that wait.
    func acceptWaiting(atMost max: Int) {
        for _ in 0..<max {
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
        let connection = ClientConnection(
            stream, token: token, peer: peer, place: place,
            machine: ConnectionMachine(isSecured: tls != nil, limits: limits, now: now))
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

    func shakeHands(_ connection: ClientConnection) {
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

    /// Secures connections from now on with another certificate; those that are open keep theirs.
    func replace(_ tls: TLSContext) {
        self.tls = tls
    }

    /// Takes no more connections; those that wait already are taken first, as closing would reset them.
    ///
    /// From now on each answer says that its connection closes.
    func stopListening() {
        acceptWaiting(atMost: .max)
        // Closing takes it out of the loop's watch as well.
        listener = nil
        for case let connection? in table {
            connection.exchange.machine.drain()
        }
    }

    func watchListener(for interest: Interest) {
        guard let number = listener?.number else { return }
        loop.rewatch(number, for: interest, token: listenerToken)
    }
}
