// A listening socket that shares its port with those of the other loops.

import CLinux
import Glibc

/// A listening socket.
public struct Listener: ~Copyable, Sendable {
    /// What came of taking a connection.
    public enum Accepted: ~Copyable {
        /// A connection and its peer's address.
        case stream(Stream, SocketAddress)
        /// None is waiting.
        case none
        /// One is waiting, but the process or the system has no descriptor or memory for it.
        case exhausted
    }

    private let descriptor: Descriptor
    /// Where it listens, with the port that was chosen.
    public let address: SocketAddress

    /// Starts to listen.
    ///
    /// Connections are spread over all listeners of a port by a hash of their addresses, so each loop has its own queue
    /// and none is woken for another's connection.
    ///
    /// - Parameters:
    ///   - address: where; port 0 lets the kernel choose.
    ///   - isShared: whether other listeners have the port too. They could be of another process, which would get part
    ///     of the connections; so first try without, which fails when anybody else listens there.
    /// - Throws: when the address is taken or not this machine's.
    public init(_ address: SocketAddress, isShared: Bool) throws(SocketError) {
        let number = socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { throw SocketError("socket", errno: errno) }
        let descriptor = Descriptor(owning: number)
        guard descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1),
            !isShared || descriptor.set(SOL_SOCKET, SO_REUSEPORT, 1)
        else { throw SocketError("setsockopt", errno: errno) }
        let bound = unsafe address.withPointer { unsafe bind(number, $0, $1) }
        guard bound == 0 else { throw SocketError("bind \(address)", errno: errno) }
        guard listen(number, SOMAXCONN) == 0 else { throw SocketError("listen \(address)", errno: errno) }
        self.address = unsafe SocketAddress { unsafe getsockname(number, $0, $1) }
        self.descriptor = descriptor
    }

    /// The kernel's number, to watch it by.
    public var number: Int32 {
        descriptor.number
    }

    /// Takes the next waiting connection.
    public borrowing func accept() -> Accepted {
        while true {
            var number: Int32 = -1
            let peer = unsafe SocketAddress {
                number = unsafe accept4(
                    descriptor.number, $0, $1, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
            }
            if number >= 0 { return .stream(Stream(Descriptor(owning: number)), peer) }
            switch errno {
            case EAGAIN: return .none
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            // The connection was gone before it was taken.
            case ECONNABORTED, EINTR: continue
            // Another fault of the waiting connection (accept(2)); the next turn asks again.
            default: return .none
            }
        }
    }
}
