// The request in work on a connection, its answer, and the content that has arrived.

import Base
import HTTP

/// The state that parsing and answering work on: one value, so that a batch of requests is one access to the
/// connection.
struct ConnectionExchange {
    var machine: ConnectionMachine
    var output = OutputQueue()
    /// Whether the request in work is HEAD, whose answer has no content.
    var isHead = false
    /// The protocol version of the request in work.
    var version = HTTPVersion.http11
    /// The framing of its answer.
    var framing = ResponseEncoder.Framing.none

    init(machine: ConnectionMachine) {
        self.machine = machine
    }

    /// The whole content of the request that starts, where it arrived together with the head. Small requests do, and
    /// their handlers do not have to ask for it.
    mutating func wholeContent(_ bytes: Span<UInt8>, _ position: inout Int, _ now: MonotonicTime) -> [UInt8]? {
        guard let range = machine.wholeContent(bytes, position: &position, now: now) else { return nil }
        return bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
    }

    /// A piece of content together with the pieces behind it, so that a sender of tiny chunks does not wake the handler
    /// for each of them.
    ///
    /// - Parameter bytesMax: the size of the piece at most.
    mutating func gather(
        _ first: Range<Int>, _ bytes: Span<UInt8>, _ position: inout Int, bytesMax: Int, _ now: MonotonicTime
    ) -> [UInt8] {
        var piece = bytes.extracting(first).withUnsafeBufferPointer { Array($0) }
        guard piece.count + bytes.count - position <= bytesMax else { return piece }
        while position < bytes.count {
            _ = machine.contentWanted()
            let action = machine.next(bytes, position: &position, recent: nil, now: now)
            guard case .content(let more) = action else {
                // The end, an error or a wait: the machine repeats it when the handler asks again.
                machine.contentPostponed(now: now)
                break
            }
            bytes.extracting(more).withUnsafeBufferPointer { piece.append(contentsOf: $0) }
        }
        return piece
    }
}
