// Writes answers into a connection's output: the head, and content that is not streamed.

import Base
import HTTP
import Sockets

/// Writes the answers of a batch of requests. It holds values that stay the same during the batch.
struct AnswerWriter {
    let fastPath: (@Sendable (RequestHead) -> Response?)?
    let date: [UInt8]
    let now: MonotonicTime

    /// Writes the head of an answer, and its content unless that is streamed.
    ///
    /// - Returns: whether streamed content has to follow.
    func write(_ response: Response, to exchange: inout ConnectionExchange) -> Bool {
        let framing = ResponseEncoder.framing(of: response, to: exchange.version)
        let keepsAlive = exchange.machine.answerBegins()
        exchange.framing = framing
        exchange.output.gather {
            ResponseEncoder.appendHead(of: response, framing: framing, closes: !keepsAlive, date: date, to: &$0)
        }
        if !exchange.isHead, framing != .none {
            switch response.body {
            case .empty: break
            case .bytes(let bytes): exchange.output.append(bytes)
            case .stream: return true
            }
        }
        exchange.machine.answerEnds(isComplete: true, now: now)
        return false
    }
}

/// The `Date` field line of answers, made once a second.
struct DateLine {
    private var second = -1
    private(set) var bytes: [UInt8] = []

    /// Makes the line again if the second has changed.
    mutating func update() {
        let now = Clock.unixSeconds()
        guard now != second else { return }
        second = now
        bytes = ResponseEncoder.dateLine(unixSeconds: now)
    }
}
