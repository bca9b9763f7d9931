// A connected, non-blocking byte stream.

import CLinux
import Glibc

/// A connection to a peer. No call blocks; the connection closes with the value that holds it.
public struct Stream: ~Copyable {
    /// What a read has brought.
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

    /// What became of bytes to be sent.
    public enum Sent: Equatable, Sendable {
        /// This many were taken, at least one.
        case bytes(Int)
        /// There is no room yet.
        case wouldBlock
        /// The connection is lost.
        case broken
    }

    /// How far a TLS handshake has come.
    public enum Handshake: Equatable, Sendable {
        /// It is over; bytes can be exchanged.
        case done
        /// The peer's next message has to come, or room for the next one to it.
        case underWay
        /// It has failed; the peer has been told why as far as TLS tells.
        case failed
    }

    // The session comes first: it is freed while its socket is still open.
    private var session: TLSSession?
    private let descriptor: Descriptor
    /// TLS has to send before it can go on, whatever was asked of it: the socket should be watched for room.
    public private(set) var wantsRoom = false

    init(_ descriptor: consuming Descriptor) {
        self.descriptor = descriptor
        session = nil
        // Without it a small answer waits up to 40 ms for the acknowledgement of the last one.
        _ = self.descriptor.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// The kernel's number, to watch it by.
    public var number: Int32 {
        descriptor.number
    }

    /// Makes this the server's side of a TLS connection; `handshake` comes next.
    ///
    /// - Parameter context: the certificate and the rules.
    /// - Throws: when there is no memory for it.
    public mutating func secure(_ context: TLSContext) throws(SocketError) {
        session = try TLSSession(context, socket: descriptor.number)
    }

    /// Goes on with the handshake.
    ///
    /// - Returns: how far it has come.
    public mutating func handshake() -> Handshake {
        guard let outcome = session?.handshake() else { return .done }
        wantsRoom = if case .wantsWrite = outcome { true } else { false }
        switch outcome {
        case .done: return .done
        case .wantsRead, .wantsWrite: return .underWay
        case .ended, .broken: return .failed
        }
    }

    /// Reads what has come, at most as many bytes as `buffer` has.
    ///
    /// - Parameter buffer: filled from its start; at least 16 KiB, so that a whole TLS record fits and none of it stays
    ///   where no readiness tells of it.
    /// - Returns: how many bytes were read.
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

    /// Reads and drops what has come, without copying or decrypting it.
    ///
    /// - Parameter max: bytes to drop at most.
    /// - Returns: how many were dropped.
    public mutating func discard(max: Int) -> Received {
        let count = recv(descriptor.number, nil, max, Int32(MSG_TRUNC))
        return Self.received(count)
    }

    /// Sends as much as there is room for.
    ///
    /// - Parameters:
    ///   - bytes: what to send.
    ///   - start: the position of the first byte to send; at least one has to be left.
    ///   - hasMore: more follows at once, so that a short segment may wait for it.
    /// - Returns: how many bytes were taken.
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

    /// Makes closing drop what was not sent yet, and tell the peer that the connection broke off.
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
