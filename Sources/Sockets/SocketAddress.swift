// IPv4 and IPv6 addresses with a port.

import CLinux
import Glibc

/// An address and port of IPv4 or IPv6.
public struct SocketAddress: Sendable, CustomStringConvertible {
    /// The bytes of a `sockaddr_in` or `sockaddr_in6`, depending on `family`.
    private var storage: sockaddr_in6
    private let length: socklen_t

    /// An address that a system call has filled in.
    init(filledBy body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Void) {
        var storage = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            // A sockaddr_in6 is at least as large and as aligned as every address filled in here.
            guard let base = bytes.baseAddress else { return }
            unsafe body(base.assumingMemoryBound(to: sockaddr.self), &length)
        }
        self.storage = storage
        self.length = length
    }

    /// Finds the address of a host to listen at.
    ///
    /// - Parameters:
    ///   - host: a name or a numeric address; blocks while a name is looked up.
    ///   - port: 0...65535; 0 lets the kernel choose.
    /// - Throws: when the host has no address.
    public init(host: String, port: Int) throws(SocketError) {
        var hints = unsafe addrinfo(
            ai_flags: AI_NUMERICSERV, ai_family: AF_UNSPEC, ai_socktype: Int32(SOCK_STREAM.rawValue), ai_protocol: 0,
            ai_addrlen: 0, ai_addr: nil, ai_canonname: nil, ai_next: nil)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &list)
        defer { unsafe freeaddrinfo(list) }
        guard status == 0, let found = unsafe list?.pointee, let address = unsafe found.ai_addr else {
            throw SocketError("look up \(host)", reason: unsafe String(cString: gai_strerror(status)))
        }
        unsafe self.init { target, length in
            unsafe UnsafeMutableRawPointer(target).copyMemory(from: address, byteCount: Int(found.ai_addrlen))
            unsafe length.pointee = found.ai_addrlen
        }
    }

    var family: Int32 {
        Int32(storage.sin6_family)
    }

    /// The port, which has the same offset in both families.
    public var port: Int {
        get { Int(UInt16(bigEndian: storage.sin6_port)) }
        set { storage.sin6_port = in_port_t(newValue).bigEndian }
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        unsafe withUnsafeBytes(of: storage) { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("an address has bytes") }
            return unsafe body(base.assumingMemoryBound(to: sockaddr.self), length)
        }
    }

    /// `192.0.2.7:51234` or `[2001:db8::7]:51234`.
    public var description: String {
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            let written = unsafe withPointer { address, _ in
                let offset = family == AF_INET6 ? MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) : 4
                return unsafe inet_ntop(
                    family, UnsafeRawPointer(address) + (offset ?? 0), buffer.baseAddress, socklen_t(buffer.count))
            }
            return unsafe written.map { unsafe String(cString: $0) } ?? "unknown"
        }
        return family == AF_INET6 ? "[\(text)]:\(port)" : "\(text):\(port)"
    }
}
