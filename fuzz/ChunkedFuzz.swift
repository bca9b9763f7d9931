// Fuzzes the chunked decoder: no input may trap, and cutting the input may change nothing.

private struct Decoded: Equatable {
    var content: [UInt8] = []
    var consumed = 0
    var ended = false
    var failed = false
}

private func decode(_ input: [UInt8], pieceBytes: Int) -> Decoded {
    let limits = CheckedLimits(ProtocolLimits())
    var decoder = ChunkedDecoder()
    var decoded = Decoded()
    var start = 0
    while start < input.count {
        let piece = Array(input[start..<min(start + pieceBytes, input.count)])
        var position = 0
        do throws(RequestError) {
            piece: while true {
                switch try decoder.next(piece.span, position: &position, limits: limits) {
                case .data(let range):
                    precondition(!range.isEmpty && range.upperBound == position, "data moves the position")
                    decoded.content += piece[range]
                case .needsMore:
                    precondition(position == piece.count, "more is asked for when all was used")
                    break piece
                case .end:
                    decoded.ended = true
                    decoded.consumed = start + position
                    return decoded
                }
            }
        } catch {
            decoded.failed = true
            return decoded
        }
        start += piece.count
    }
    return decoded
}

/// One input.
func fuzzChunked(_ input: [UInt8]) {
    let count = input.count
    let whole = decode(input, pieceBytes: max(count, 1))
    precondition(whole.content.count < max(count, 1), "content comes with coding")
    for pieceBytes in [1, 3, 17] {
        precondition(decode(input, pieceBytes: pieceBytes) == whole, "a cut changed the outcome")
    }
}
