// A client that sends what it is told and reads what comes, with a deadline on each wait.

import Foundation
import Glibc

/// A blocking TCP client. Every wait ends at a deadline, so a test fails instead of hanging.
public final class TestClient {
    /// Something took longer than it may.
    public struct TimedOut: Error, CustomStringConvertible {
        /// What was waited for.
        public let description: String

        /// Creates the error.
        ///
        /// - Parameter description: what was waited for.
        public init(description: String) {
            self.description = description
        }
    }

    /// The connection could not be made or used.
    public struct Broken: Error, CustomStringConvertible {
        /// What failed.
        public let description: String
    }

    /// What reading has brought.
    public enum Read: Equatable {
        /// These bytes.
        case bytes([UInt8])
        /// The server has closed its side.
        case end
        /// The connection was reset.
        case reset
        /// Nothing within the time.
        case nothing
    }

    /// The descriptor, -1 once closed.
    private(set) var descriptor: Int32
    private var tls: TLSClientSession?
    /// The answers received so far.
    public private(set) var stream: AnswerStream
    /// The server has closed or reset the connection.
    public private(set) var isClosed = false

    /// Connects.
    ///
    /// - Parameters:
    ///   - port: of 127.0.0.1.
    ///   - heads: the positions of HEAD requests among those to be sent.
    ///   - receiveBuffer: bytes of the kernel's receive buffer, nil for its choice.
    ///   - settings: for TLS, nil to speak without.
    ///   - earlier: a client whose TLS session is to be resumed.
    /// - Throws: when nobody listens there, or the handshake fails.
    public init(
        port: Int, heads: Set<Int> = [], receiveBuffer: Int32? = nil, tls settings: TestTLS? = nil,
        resuming earlier: TestClient? = nil
    ) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        stream = AnswerStream(heads: heads)
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Broken(description: "connect: \(String(cString: strerror(errno)))") }
        guard let settings else { return }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        tls = try TLSClientSession(settings, socket: descriptor, resuming: earlier?.tls)
    }

    deinit {
        close()
    }

    /// Closes both directions.
    public func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// What TLS has agreed on: the version, the protocol, the name in the server's certificate, whether it resumed.
    public var tlsFacts: (version: String, chosen: String, server: String, isResumed: Bool)? {
        tls.map { ($0.version, $0.chosenProtocol, $0.serverName, $0.isResumed) }
    }

    /// Closes the sending side.
    public func finishSending() {
        tls?.finish()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes so that the server sees a reset.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Sends text.
    ///
    /// - Parameter text: what to send.
    /// - Throws: when the server has closed the connection or takes nothing for 10 s.
    public func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Sends bytes.
    ///
    /// - Parameter bytes: what to send.
    /// - Throws: when the server has closed the connection or takes nothing for 10 s.
    public func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            sent += try trySend(bytes, from: sent, seconds: 10)
        }
    }

    /// Sends as much as there is room for.
    ///
    /// - Parameters:
    ///   - bytes: what to send.
    ///   - start: the first byte to send.
    ///   - seconds: how long to wait for room.
    /// - Returns: how many bytes were sent.
    /// - Throws: when the connection is closed, or there is no room in time.
    public func trySend(_ bytes: [UInt8], from start: Int, seconds: Double) throws -> Int {
        guard wait(for: Int16(POLLOUT), seconds: seconds) else { throw TimedOut(description: "room to send") }
        if let tls {
            let count = tls.write(bytes[start...].prefix(16_384))
            guard count >= 0 else { throw Broken(description: "TLS write") }
            return count
        }
        let count = bytes[start...].withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        guard count > 0 else { throw Broken(description: "send: \(String(cString: strerror(errno)))") }
        return count
    }

    /// Reads what comes next.
    ///
    /// - Parameters:
    ///   - seconds: how long to wait.
    ///   - max: bytes to read at most.
    /// - Returns: what came.
    public func read(seconds: Double, max: Int = 65_536) -> Read {
        guard tls?.hasPending == true || wait(for: Int16(POLLIN), seconds: seconds) else { return .nothing }
        var buffer = [UInt8](repeating: 0, count: max)
        let count: Int
        if let tls {
            guard let read = tls.read(&buffer) else { return self.read(seconds: seconds, max: max) }
            count = read
        } else {
            count = recv(descriptor, &buffer, max, 0)
        }
        guard count > 0 else {
            isClosed = true
            return count == 0 ? .end : .reset
        }
        return .bytes(Array(buffer[..<count]))
    }

    /// Reads until a number of final answers is complete.
    ///
    /// - Parameters:
    ///   - count: how many, from the connection's start.
    ///   - seconds: how long to wait for the next bytes.
    /// - Returns: the last of them.
    /// - Throws: when they do not come, or are malformed.
    @discardableResult
    public func answer(_ count: Int = 1, seconds: Double = 10) throws -> Answer {
        while true {
            let final = stream.answers.filter { $0.status >= 200 }
            if final.count >= count { return final[count - 1] }
            switch read(seconds: seconds) {
            case .bytes(let bytes): try stream.receive(bytes)
            case .nothing: throw TimedOut(description: "answer \(count)")
            case .end, .reset:
                throw Broken(description: "closed before answer \(count), after \(stream.rest.count) bytes of it")
            }
        }
    }

    /// Reads until the server closes.
    ///
    /// - Parameter seconds: how long to wait for the next bytes or the end.
    /// - Returns: `.end` or `.reset`.
    /// - Throws: when the server does not close, or sends what is no answer.
    @discardableResult
    public func end(seconds: Double = 10) throws -> Read {
        while true {
            switch read(seconds: seconds) {
            case .bytes(let bytes): try stream.receive(bytes)
            case .nothing: throw TimedOut(description: "the server to close")
            case let end: return end
            }
        }
    }

    /// Reads once.
    ///
    /// - Parameter seconds: how long to wait.
    /// - Returns: whether anything came.
    /// - Throws: when the server sends what is no answer.
    public func readOnce(seconds: Double) throws -> Bool {
        guard case .bytes(let bytes) = read(seconds: seconds) else { return false }
        try stream.receive(bytes)
        return true
    }

    /// Reads until nothing has come for a while or the server has closed.
    ///
    /// - Parameter seconds: what a while is.
    /// - Throws: when the server sends what is no answer.
    public func readAll(quietFor seconds: Double) throws {
        while case .bytes(let bytes) = read(seconds: seconds) {
            try stream.receive(bytes)
        }
    }

    /// What was seen of the connection so far.
    public var observation: Observation {
        var observation = Observation()
        observation.answers = stream.answers
        observation.rest = stream.rest
        observation.isClosed = isClosed
        return observation
    }

    private func wait(for events: Int16, seconds: Double) -> Bool {
        var poll = pollfd(fd: descriptor, events: events, revents: 0)
        return Glibc.poll(&poll, 1, Int32(seconds * 1000)) > 0
    }
}
