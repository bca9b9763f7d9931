// One client connection of an event loop: its socket, buffers, handler and phase.

import HTTP
import Sockets

/// One connection of a loop. It belongs to the loop's worker, and no other thread uses it.
///
/// Buffers exist only while bytes wait in them. An idle connection is this object and its entry in the table.
final class ClientConnection {
    /// The phase of the connection's life.
    enum Phase {
        /// The TLS handshake is under way.
        case handshaking
        case open
        /// No more requests are read; output may still wait.
        case finishing
        /// The sending side is closed, and received bytes are dropped.
        case lingering
        case closed
    }

    var stream: Sockets.Stream
    let token: UInt64
    let peer: SocketAddress
    /// The peer's address as text, made for the first request: an idle connection does not need it.
    private(set) lazy var peerText = peer.description
    let place: ConnectionSlots.Place
    var exchange: ConnectionExchange
    var phase = Phase.open
    var interest: Interest = [.readable, .peerEnd]
    /// Whether received bytes are wanted. If not, they stay in the socket.
    var isReading = true
    /// Bytes read and not yet consumed.
    var input: [UInt8] = []
    /// The position of the first unconsumed byte in `input`.
    var inputStart = 0
    var sentTotal = 0
    /// The tick of the valid entry in the timer wheel, `Int64.max` when there is none.
    var scheduledTick = Int64.max
    /// The number of the current request, which tells its handler apart from handlers of earlier requests.
    var exchangeNumber = 0
    /// Bytes that the handler has written without once waiting.
    var writtenThisTurn = 0
    var task: Task<Void, Never>?
    var contentWaiter: CheckedContinuation<Result<[UInt8]?, BodyError>, Never>?
    var roomWaiter: CheckedContinuation<Bool, Never>?

    init(
        _ stream: consuming Sockets.Stream, token: UInt64, peer: SocketAddress, place: ConnectionSlots.Place,
        machine: ConnectionMachine
    ) {
        self.stream = stream
        self.token = token
        self.peer = peer
        self.place = place
        exchange = ConnectionExchange(machine: machine)
    }
}
