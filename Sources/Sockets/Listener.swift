// A listening socket that shares its port with the listeners of other loops.

import CLinux
import Glibc

/// A listening socket.
public struct Listener: ~Copyable, Sendable {
    /// The result of accepting a connection.
    public enum Accepted: ~Copyable {
        /// A connection and its peer's address.
        case stream(Stream, SocketAddress)
        /// No connection is waiting.
        case none
        /// A connection is waiting, but the process or the system has no descriptor or memory for it.
        case exhausted
    }

    /// Bytes that the kernel buffers for a connection beyond those it can send now. Without this limit the kernel
    /// buffers up to 4 MB for each client that does not read: 500 of them held 1.5 GB of kernel memory, and delayed all
    /// others by seconds. Bytes in flight do not count, so a fast connection over a long distance stays fast.
    private static let unsentBytesMax: Int32 = 128 * 1024

    private let descriptor: Descriptor
    /// The address, with the port that the kernel chose.
    public let address: SocketAddress

    /// Starts to listen.
    ///
    /// The kernel spreads connections over all listeners of a port by a hash of their addresses. So each loop has its
    /// own queue, and none is woken for another's connection.
    ///
    /// - Parameters:
    ///   - address: the address to listen at; port 0 lets the kernel choose.
    ///   - isShared: whether other listeners may have the same port. They could belong to another process, which would
    ///     get some of the connections. So try without sharing first, which fails when another process listens there.
    /// - Throws: when the address is in use, or does not belong to this machine.
    public init(_ address: SocketAddress, isShared: Bool) throws(SocketError) {
        let number = socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { throw SocketError("socket", errno: errno) }
        let descriptor = Descriptor(owning: number)
        // The connections inherit the limit of unsent bytes.
        guard descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1),
            descriptor.set(Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Self.unsentBytesMax),
            !isShared || descriptor.set(SOL_SOCKET, SO_REUSEPORT, 1)
        else { throw SocketError("setsockopt", errno: errno) }
        let bound = unsafe address.withPointer { unsafe bind(number, $0, $1) }
        guard bound == 0 else { throw SocketError("bind \(address)", errno: errno) }
        guard listen(number, SOMAXCONN) == 0 else { throw SocketError("listen \(address)", errno: errno) }
        self.address = unsafe SocketAddress { unsafe getsockname(number, $0, $1) }
        self.descriptor = descriptor
    }

    /// The kernel's number, for watching the descriptor.
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
