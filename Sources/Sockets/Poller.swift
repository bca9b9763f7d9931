// Waits for readiness of many descriptors: level-triggered epoll.

import CLinux
import Glibc

/// The readiness of a descriptor.
public struct Readiness: Sendable {
    /// The number given when the descriptor was added.
    public let token: UInt64
    private let flags: UInt32

    init(token: UInt64, flags: UInt32) {
        self.token = token
        self.flags = flags
    }

    /// There is something to read, or to accept.
    public var isReadable: Bool { flags & EPOLLIN.rawValue != 0 }
    /// There is room to write.
    public var isWritable: Bool { flags & EPOLLOUT.rawValue != 0 }
    /// The peer has closed its sending side.
    public var hasPeerEnded: Bool { flags & EPOLLRDHUP.rawValue != 0 }
    /// The connection was reset, or both sides have closed.
    public var isBroken: Bool { flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 }
}

/// The events to report for a descriptor. A broken connection is always reported.
public struct Interest: OptionSet, Sendable {
    /// The bits of epoll.
    public let rawValue: UInt32

    /// Creates a set from the bits of epoll.
    ///
    /// - Parameter rawValue: the bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// There is something to read.
    public static let readable = Interest(rawValue: EPOLLIN.rawValue)
    /// There is room to write.
    public static let writable = Interest(rawValue: EPOLLOUT.rawValue)
    /// The peer has closed its sending side.
    public static let peerEnd = Interest(rawValue: EPOLLRDHUP.rawValue)
}

/// An epoll instance, with an event that wakes it from other threads.
struct Poller: ~Copyable, Sendable {
    /// The token of the wake-up event, which is never reported.
    private static let wakeToken = UInt64.max

    private let epoll: Descriptor
    private let wakeUp: Descriptor

    init() throws(SocketError) {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SocketError("epoll_create1", errno: errno) }
        let pollDescriptor = Descriptor(owning: epoll)
        let event = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard event >= 0 else { throw SocketError("eventfd", errno: errno) }
        let eventDescriptor = Descriptor(owning: event)
        try Self.control(epoll, EPOLL_CTL_ADD, event, .readable, Self.wakeToken)
        self.epoll = pollDescriptor
        wakeUp = eventDescriptor
    }

    func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Interest, _ token: UInt64
    ) throws(SocketError) {
        try Self.control(epoll.number, operation, descriptor, interest, token)
    }

    private static func control(
        _ epoll: Int32, _ operation: Int32, _ descriptor: Int32, _ interest: Interest, _ token: UInt64
    ) throws(SocketError) {
        var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        guard unsafe epoll_ctl(epoll, operation, descriptor, &event) == 0 else {
            throw SocketError("epoll_ctl", errno: errno)
        }
    }

    /// Waits until a descriptor is ready, `wake` is called or time is up, and sets `ready` to the ready descriptors.
    ///
    /// - Parameters:
    ///   - milliseconds: the time to wait, -1 for no limit.
    ///   - ready: the ready descriptors, at most 256 at a time.
    func wait(milliseconds: Int32, into ready: inout [Readiness]) {
        ready.removeAll(keepingCapacity: true)
        unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
            let count = unsafe epoll_wait(epoll.number, events.baseAddress, Int32(events.count), milliseconds)
            // A negative count is EINTR, which is treated as a timeout.
            for index in 0..<max(Int(count), 0) {
                let event = unsafe events[index]
                if unsafe event.data.u64 == Self.wakeToken {
                    var count: UInt64 = 0
                    unsafe read(wakeUp.number, &count, MemoryLayout<UInt64>.size)
                } else {
                    unsafe ready.append(Readiness(token: event.data.u64, flags: event.events))
                }
            }
        }
    }

    /// Makes `wait` return, on any thread.
    func wake() {
        var one: UInt64 = 1
        unsafe write(wakeUp.number, &one, MemoryLayout<UInt64>.size)
    }
}
