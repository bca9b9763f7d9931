// Bytes leave a queue in the order they came, whatever their sizes and however they are taken.

import HTTPSupport
import Testing

@testable import HTTPServer

@Suite("OutputQueue")
struct OutputQueueTests {
    @Test("pieces of all sizes, gathered or whole, leave in order", arguments: 0..<100)
    func order(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = OutputQueue()
        var spare: [UInt8] = []
        spare.reserveCapacity(1_000)
        var expected: [UInt8] = []
        var sent: [UInt8] = []
        for step in 0..<200 {
            if queue.count == 0, Bool.random(using: &random) {
                queue.giveBack(to: &spare)
                queue.borrow(&spare)
            }
            let size = [0, 1, 100, OutputQueue.largePieceBytes][Int.random(in: 0...3, using: &random)]
            let piece = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: size)
            if Bool.random(using: &random) {
                queue.append(piece)
            } else {
                queue.gather { $0 += piece }
            }
            expected += piece
            if queue.count > 0, Bool.random(using: &random) {
                let left = queue.first.count - queue.sent
                #expect(left > 0, "there is something to send first")
                let taken = Int.random(in: 1...left, using: &random)
                sent += queue.first[queue.sent..<queue.sent + taken]
                queue.advance(by: taken)
            }
            #expect(queue.count == expected.count - sent.count)
        }
        while queue.count > 0 {
            sent += queue.first[queue.sent...]
            queue.advance(by: queue.first.count - queue.sent)
        }
        #expect(sent == expected)
        #expect(!queue.hasMore)
    }
}
