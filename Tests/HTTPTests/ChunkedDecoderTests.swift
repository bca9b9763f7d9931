// Chunked content in all shapes and cuts.

import HTTP
import HTTPSupport
import Testing

@Suite("ChunkedDecoder")
struct ChunkedDecoderTests {
    static let limits = CheckedLimits(ProtocolLimits())

    /// What came out: the content, and whether it ended, failed or goes on.
    private struct Decoded: Equatable {
        var content: [UInt8] = []
        var ended = false
        var failed = false
        var after: [UInt8] = []
    }

    private func decode(_ pieces: [[UInt8]]) -> Decoded {
        var decoder = ChunkedDecoder()
        var decoded = Decoded()
        for piece in pieces {
            guard !decoded.failed, !decoded.ended else {
                decoded.after += piece
                continue
            }
            var position = 0
            do throws(RequestError) {
                pieceLoop: while true {
                    switch try decoder.next(piece.span, position: &position, limits: Self.limits) {
                    case .data(let range): decoded.content += piece[range]
                    case .needsMore: break pieceLoop
                    case .end:
                        decoded.ended = true
                        decoded.after += piece[position...]
                        break pieceLoop
                    }
                }
            } catch {
                decoded.failed = true
            }
        }
        return decoded
    }

    @Test("random content in random chunks, with extensions and trailers, survives random cuts", arguments: 0..<200)
    func roundTrip(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let content = (0..<Int.random(in: 0...3000, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        var coded: [UInt8] = []
        var at = 0
        while at < content.count {
            let size = min(Int.random(in: 1...700, using: &random), content.count - at)
            let zeros = String(repeating: "0", count: Int.random(in: 0...3, using: &random))
            let digits = String(size, radix: 16, uppercase: Bool.random(using: &random))
            let suffix = ["", ";a", ";a=b", ";a=\"q \\\" ;\";b"].randomElement(using: &random) ?? ""
            coded += Array("\(zeros)\(digits)\(suffix)\r\n".utf8) + content[at..<at + size] + Array("\r\n".utf8)
            at += size
        }
        coded += Array(["0\r\n\r\n", "000;x\r\nA: b\r\nC:\r\n\r\n"][Int.random(in: 0...1, using: &random)].utf8)
        coded += Array("next".utf8)
        var pieces: [[UInt8]] = []
        at = 0
        while at < coded.count {
            let size = min(Int.random(in: 1...400, using: &random), coded.count - at)
            pieces.append(Array(coded[at..<at + size]))
            at += size
        }
        let decoded = decode(pieces)
        #expect(decoded.content == content)
        #expect(decoded.ended && decoded.after == Array("next".utf8))
    }

    @Test(
        "broken coding fails, however it is cut",
        arguments: [
            "5 \r\nhello\r\n", " 5\r\n", "5;\r\n", "5;=b\r\n", "5;a=\r\n", "5;a=\"b\"c\r\n", "5;a b\r\n",
            "5;a=\"\n\"\r\n",
            "5\n", "5\rx", "5\r\nhelloX", "5\r\nhello\rX", "g\r\n", "\r\n", "-1\r\n", "0x1\r\n", "1_0\r\n",
            "0\r\nA\r\n", "0\r\n A: b\r\n", "0\r\nA : b\r\n", "0\r\nA: \u{0}\r\n", "0\r\nA: b\n", "0\r\n\n",
            "FFFFFFFFFFFFFFFFF\r\n", "7FFFFFFFFFFFFFFF\r\n",
        ])
    func broken(_ text: String) {
        expectFailure(text)
    }

    @Test("a size line and a trailer section have limits")
    func lineLimits() {
        expectFailure(String(repeating: "0", count: Self.limits.values.chunkLineBytesMax + 1))
        expectFailure("1;" + String(repeating: "e", count: Self.limits.values.chunkLineBytesMax))
        expectFailure("0\r\nA: " + String(repeating: "t", count: Self.limits.values.trailerBytesMax))
    }

    private func expectFailure(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(decode([bytes]).failed)
        #expect(decode(bytes.map { [$0] }).failed)
        #expect(!decode([bytes]).ended)
    }

    @Test("extensions have a budget over all chunks")
    func extensionBudget() {
        let chunk = Array("1;e=\(String(repeating: "a", count: 90))\r\nx\r\n".utf8)
        #expect(!decode(Array(repeating: chunk, count: 100)).failed)
        #expect(decode(Array(repeating: chunk, count: 200)).failed)
    }

    @Test("a piece of data is never larger than the limit")
    func pieceLimit() throws {
        var limits = ProtocolLimits()
        limits.pieceBytesMax = 16 * 1024
        var decoder = ChunkedDecoder()
        let bytes = Array("10000\r\n".utf8) + [UInt8](repeating: 7, count: 65_536)
        var position = 0
        var sizes: [Int] = []
        while case .data(let range) = try decoder.next(bytes.span, position: &position, limits: CheckedLimits(limits)) {
            sizes.append(range.count)
        }
        #expect(sizes == [16_384, 16_384, 16_384, 16_384])
    }
}
