// What a loop keeps for one connection.

import HTTP
import Sockets

/// One connection of a loop. It belongs to the loop's worker, and no other thread touches it.
///
/// Buffers are there only while bytes wait in them: an idle connection is this object and its entry in the table.
final class ClientConnection {
    /// How far the connection has come.
    enum Phase {
        /// The TLS handshake is under way.
        case handshaking
        case open
        /// Nothing more is exchanged; output may still wait.
        case finishing
        /// The sending side is closed, and what comes is dropped.
        case lingering
        case closed
    }

    var stream: Sockets.Stream
    let token: UInt64
    let peer: SocketAddress
    /// The peer as requests name it; made for the first of them, for an idle connection has no use for it.
    private(set) lazy var peerText = peer.description
    let place: ConnectionSlots.Place
    var exchange: Exchange
    var phase = Phase.open
    var interest: Interest = [.readable, .peerEnd]
    /// Whether bytes that come are wanted; if not, and some come, they are left in the socket.
    var isReading = true
    /// Bytes read and not yet consumed.
    var input: [UInt8] = []
    /// Where those that are not consumed start in `input`.
    var inputStart = 0
    var sentTotal = 0
    /// The tick of the timer wheel's entry that counts, `Int64.max` when there is none.
    var scheduledTick = Int64.max
    /// The number of the request in work, so that what belongs to an earlier one is told apart.
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
        exchange = Exchange(machine: machine)
    }
}
