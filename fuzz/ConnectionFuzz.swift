// Fuzzes a whole connection: requests, content and answers, whole and in pieces.

import Base

/// What a connection's peer would see.
private struct Seen: Equatable {
    var answers: [UInt16] = []
    var content: [UInt8] = []
    var isClosed = false
}

/// Feeds a machine, whose handler reads content for POST and answers everything else at once.
private func run(_ input: [UInt8], pieceBytes: Int) -> Seen {
    let now = MonotonicTime(nanoseconds: 0)
    var machine = ConnectionMachine(isSecured: false, limits: CheckedLimits(ProtocolLimits()), now: now)
    var seen = Seen()
    var buffer: [UInt8] = []
    var start = 0
    func answer(_ status: UInt16) {
        seen.answers.append(status)
        _ = machine.answerBegins()
        machine.answerEnds(isComplete: true, now: now)
    }
    while start <= input.count, !seen.isClosed {
        let end = min(start + pieceBytes, input.count)
        buffer += input[start..<end]
        if end == input.count { machine.peerEnded(now: now) }
        var position = 0
        // Each turn consumes a byte or changes the exchange; far more turns than that would be an endless loop.
        var turns = 0
        piece: while true {
            turns += 1
            precondition(turns < 8 * (buffer.count + 8), "the machine goes round in circles")
            switch machine.next(buffer.span, position: &position, recent: nil, now: now) {
            case .read: break piece
            case .pause: break piece
            case .finish:
                seen.isClosed = true
                break piece
            case .start(let parsed):
                if parsed.head.method == .post { _ = machine.contentWanted() } else { answer(200) }
            case .startRecent: preconditionFailure("none was given")
            case .content(let range):
                seen.content += buffer[range]
                _ = machine.contentWanted()
            case .contentEnd: answer(200)
            case .contentFailed(.disconnected): seen.isClosed = true; break piece
            case .contentFailed: answer(400)
            case .refuse(let error): answer(error.status.code)
            }
        }
        buffer.removeFirst(position)
        if end == input.count { break }
        start = end
    }
    precondition(seen.isClosed, "a peer that has ended is closed")
    return seen
}

/// One input.
func fuzzConnection(_ input: [UInt8]) {
    let count = input.count
    let whole = run(input, pieceBytes: max(count, 1))
    for pieceBytes in [1, 7, 40] {
        precondition(run(input, pieceBytes: pieceBytes) == whole, "a cut changed the outcome")
    }
}
