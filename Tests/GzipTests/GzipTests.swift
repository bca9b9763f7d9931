// Gzip both ways, in any cut, and data that means harm.

import Foundation
import Gzip
import HTTPSupport
import Testing

@Suite("Gzip")
struct GzipTests {
    private func decode(
        _ pieces: [[UInt8]], max: Int = 65_536, outputBytesMax: Int = 100_000_000, ratioMax: Int = 2_000
    ) throws(GzipError) -> [UInt8] {
        var decoder = GzipDecoder(outputBytesMax: outputBytesMax, ratioMax: ratioMax)
        var output: [UInt8] = []
        for piece in pieces {
            decoder.feed(piece)
            while let decoded = try decoder.next(max: max) {
                output += decoded
            }
        }
        try decoder.finish()
        return output
    }

    private func encode(_ pieces: [[UInt8]], level: Int = 6) -> [UInt8] {
        var encoder = GzipEncoder(level: level)
        var output: [UInt8] = []
        for piece in pieces {
            output += encoder.encode(piece)
        }
        return output + encoder.finish()
    }

    private func cut(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var at = 0
        while at < bytes.count {
            let size = min(Int.random(in: 0...2_000, using: &random), bytes.count - at)
            pieces.append(Array(bytes[at..<at + size]))
            at += size
        }
        return pieces
    }

    @Test("what goes in comes out, however both sides are cut", arguments: 0..<40)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = UInt8.random(in: 0...255, using: &random)
        let content = (0..<Int.random(in: 0...20_000, using: &random)).map { _ in
            UInt8.random(in: 0...alphabet, using: &random)
        }
        let coded = encode(cut(content, &random), level: Int.random(in: 1...9, using: &random))
        #expect(try decode(cut(coded, &random), max: Int.random(in: 1...3_000, using: &random)) == content)
    }

    @Test("data of another program is understood")
    func foreign() throws {
        let coded = try #require(Data(base64Encoded: "H4sIAAAAAAACA8tIzcnJ11HIQKK4AOdCblIUAAAA"))
        #expect(try decode([Array(coded)]) == Array("hello, hello, hello\n".utf8))
    }

    @Test("members that follow one another are one content")
    func members() throws {
        let coded = encode([Array("a".utf8)]) + encode([]) + encode([Array("b".utf8)])
        #expect(try decode(coded.map { [$0] }) == Array("ab".utf8))
    }

    @Test("data that ends early is not taken for whole, wherever it ends")
    func truncated() {
        let coded = encode([Array("some content, some content".utf8)])
        for length in 0..<coded.count {
            #expect(throws: GzipError.truncated) { try decode([Array(coded[..<length])]) }
        }
    }

    @Test("data that was changed is refused")
    func malformed() {
        let coded = encode([Array("some content, some content".utf8)])
        for index in [0, 1, 2, 10, coded.count - 8, coded.count - 1] {
            var changed = coded
            changed[index] ^= 0xFF
            #expect(throws: GzipError.malformed) { try decode([changed]) }
        }
        #expect(throws: GzipError.malformed) { try decode([coded + Array("xx".utf8)]) }
        #expect(throws: GzipError.malformed) { try decode([Array("plain text".utf8)]) }
    }

    @Test("a bomb goes off at its bounds")
    func bomb() {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let coded = encode(Array(repeating: zeros, count: 32))
        #expect(coded.count < 64_000)
        #expect(throws: GzipError.tooLarge(limit: 1 << 20)) { try decode([coded], outputBytesMax: 1 << 20) }
        #expect(throws: GzipError.expandsTooMuch(ratio: 100)) { try decode([coded], ratioMax: 100) }
        #expect(throws: Never.self) { try decode([coded], outputBytesMax: 32 << 20) }
    }

    @Test("a flush makes everything readable that was encoded")
    func flush() throws {
        var encoder = GzipEncoder(level: 6)
        var decoder = GzipDecoder(outputBytesMax: 1_000, ratioMax: 1_000)
        for row in ["{\"a\":1}\n", "{\"a\":2}\n"] {
            let coded = encoder.encode(Array(row.utf8)) + encoder.flush()
            decoder.feed(coded)
            let decoded = try decoder.next(max: 1_000)
            #expect(decoded == Array(row.utf8))
            let more = try decoder.next(max: 1_000)
            #expect(more == nil)
        }
    }
}
