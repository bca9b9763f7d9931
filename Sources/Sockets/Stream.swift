// A connected, non-blocking TCP stream, plain or with TLS.

import CLinux
import Glibc

/// A connection to a peer. No call blocks; the connection closes with the value that holds it.
public struct Stream: ~Copyable {
    /// The result of a read.
    public enum Received: Equatable, Sendable {
        /// This many bytes, at least one.
        case bytes(Int)
        /// Nothing yet.
        case wouldBlock
        /// The peer has closed its sending side; nothing will come any more.
        case ended
        /// The connection is lost.
        case broken
    }

    /// The result of sending bytes.
    public enum Sent: Equatable, Sendable {
        /// The socket took this many bytes, at least one.
        case bytes(Int)
        /// There is no room yet.
        case wouldBlock
        /// The connection is lost.
        case broken
    }

    /// The state of a TLS handshake.
    public enum Handshake: Equatable, Sendable {
        /// The handshake is complete; bytes can be exchanged.
        case done
        /// The handshake waits for the peer's next message, or for room to send its own.
        case underWay
        /// The handshake has failed. The peer got the alert that TLS defines for the failure.
        case failed
    }

    // The session comes first: it is freed while its socket is still open.
    private var session: TLSSession?
    private let descriptor: Descriptor
    /// Whether TLS has to send before it can continue, so that the socket has to be watched for room.
    public private(set) var wantsRoom = false

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
        session = nil
        // Without this option a small answer waits up to 40 ms for the acknowledgement of the last one.
        _ = self.descriptor.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// The kernel's number, for watching the descriptor.
    public var number: Int32 {
        descriptor.number
    }

    /// Makes this the server's side of a TLS connection. Call `handshake` next.
    ///
    /// - Parameter context: the certificate and the rules.
    /// - Throws: when there is no memory for the session.
    public mutating func secure(_ context: TLSContext) throws(SocketError) {
        session = try TLSSession(context, socket: descriptor.number)
    }

    /// Continues the handshake.
    ///
    /// - Returns: the state of the handshake.
    public mutating func handshake() -> Handshake {
        guard let outcome = session?.handshake() else { return .done }
        wantsRoom = if case .wantsWrite = outcome { true } else { false }
        switch outcome {
        case .done: return .done
        case .wantsRead, .wantsWrite: return .underWay
        case .ended, .broken: return .failed
        }
    }

    /// Reads the bytes that have arrived, at most as many as `buffer` has.
    ///
    /// - Parameter buffer: filled from its start; at least 16 KiB, so that a whole TLS record fits. The rest of a
    ///   record would stay in the session, which reports no readiness for it.
    /// - Returns: the number of bytes read.
    public mutating func receive(into buffer: inout [UInt8]) -> Received {
        wantsRoom = false
        if let outcome = session?.read(into: &buffer) {
            switch outcome {
            case .done(let count): return .bytes(count)
            case .wantsRead: return .wouldBlock
            case .wantsWrite:
                wantsRoom = true
                return .wouldBlock
            case .ended: return .ended
            case .broken: return .broken
            }
        }
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor.number, $0.baseAddress, $0.count, 0) }
        return Self.received(count)
    }

    /// Reads and drops the bytes that have arrived, without copying or decrypting them.
    ///
    /// - Parameter max: the most bytes to drop.
    /// - Returns: the number of bytes dropped.
    public mutating func discard(max: Int) -> Received {
        let count = recv(descriptor.number, nil, max, Int32(MSG_TRUNC))
        return Self.received(count)
    }

    /// Sends as many bytes as the socket takes.
    ///
    /// - Parameters:
    ///   - bytes: the bytes to send.
    ///   - start: the position of the first byte to send, before the end.
    ///   - hasMore: whether more bytes follow at once, so that a short segment may wait for them.
    /// - Returns: the number of bytes sent.
    public mutating func send(_ bytes: [UInt8], from start: Int, hasMore: Bool) -> Sent {
        if let outcome = session?.write(bytes, from: start) {
            wantsRoom = false
            switch outcome {
            case .done(let count): return .bytes(count)
            case .wantsRead, .wantsWrite: return .wouldBlock
            case .ended, .broken: return .broken
            }
        }
        let flags = Int32(MSG_NOSIGNAL) | (hasMore ? Int32(MSG_MORE) : 0)
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(
                descriptor.number, UnsafeRawBufferPointer(rebasing: $0[start...]).baseAddress, $0.count - start, flags)
        }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .broken
    }

    /// Closes the sending side; the peer can still be read from.
    public mutating func finishSending() {
        session?.finish()
        shutdown(descriptor.number, Int32(SHUT_WR))
    }

    /// Makes closing drop the unsent bytes and reset the connection.
    public mutating func breakOff() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor.number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    }

    /// Bytes sent that the peer has not acknowledged.
    public var unacknowledged: Int {
        Int(linux_unacknowledged(descriptor.number))
    }

    private static func received(_ count: Int) -> Received {
        switch count {
        case 1...: .bytes(count)
        case 0: .ended
        default: errno == EAGAIN || errno == EINTR ? .wouldBlock : .broken
        }
    }
}
