// What a process remembers of tokens, moment by moment.

import Store
import Testing

@testable import Service

@Suite("Remembered tokens")
struct TokenMemoryTests {
    private let start = ContinuousClock.now

    private static func secret(_ name: String, _ text: String, secondsLeft: Double? = nil) -> StoredSecret {
        StoredSecret(
            digest: TokenSecret.digest(of: text), token: name, scopes: ["read"], projects: nil, secondsLeft: secondsLeft
        )
    }

    @Test("secrets are read again after the time that a revocation takes to hold, by one caller at a time")
    func rereads() {
        let memory = TokenMemory()
        #expect(memory.order(at: start) == .load(generation: 0))
        memory.replace([Self.secret("a", "1")], readAt: start, generation: 0)
        #expect(memory.order(at: start + .milliseconds(999)) == .use)
        #expect(memory.order(at: start + .seconds(1)) == .load(generation: 0))
        #expect(memory.order(at: start + .seconds(1)) == .use)
        // Whoever reads does not come back: nobody relies on what is that old.
        #expect(memory.order(at: start + .seconds(5)) == .load(generation: 0))
        #expect(memory.find(TokenSecret.digest(of: "1"), at: start)?.name == "a")
        memory.replace([], readAt: start + .seconds(5), generation: 0)
        #expect(memory.find(TokenSecret.digest(of: "1"), at: start + .seconds(5)) == nil)
    }

    @Test("while secrets cannot be read, those that are known serve for a while, and then nobody gets in")
    func survivesHiccups() {
        let memory = TokenMemory()
        memory.replace([Self.secret("a", "1")], readAt: start, generation: 0)
        _ = memory.order(at: start + .seconds(2))
        #expect(memory.giveUp(at: start + .seconds(2)))
        #expect(memory.order(at: start + .seconds(3)) == .load(generation: 0))
        #expect(!memory.giveUp(at: start + .seconds(5)))
        #expect(!TokenMemory().giveUp(at: start))
    }

    @Test("what was read before this process changed a token is not taken for what is")
    func forgets() {
        let memory = TokenMemory()
        memory.replace([Self.secret("a", "1")], readAt: start, generation: 0)
        guard case .load(let generation) = memory.order(at: start + .seconds(2)) else {
            Issue.record("nothing was to be read")
            return
        }
        memory.forget()
        memory.replace([Self.secret("a", "1")], readAt: start + .seconds(2), generation: generation)
        #expect(memory.order(at: start + .seconds(2)) == .load(generation: generation + 1))
    }

    @Test("a secret ends when it expires, whatever is remembered")
    func expires() {
        let memory = TokenMemory()
        memory.replace([Self.secret("a", "1", secondsLeft: 0.5)], readAt: start, generation: 0)
        let digest = TokenSecret.digest(of: "1")
        #expect(memory.find(digest, at: start + .milliseconds(499)) != nil)
        #expect(memory.find(digest, at: start + .milliseconds(500)) == nil)
    }

    @Test("digests are equal only as a whole")
    func compares() {
        let digest = TokenSecret.digest(of: "1")
        #expect(TokenSecret.areEqual(digest, digest))
        for index in digest.indices {
            var other = digest
            other[index] ^= 1
            #expect(!TokenSecret.areEqual(digest, other))
        }
        #expect(!TokenSecret.areEqual(digest, Array(digest.dropLast())))
    }

    @Test("secrets have 43 random characters of the alphabet, each place with many of them")
    func secrets() {
        let texts = (0..<2_000).map { _ in TokenSecret().text }
        #expect(Set(texts).count == texts.count)
        for text in texts { #expect(text.utf8.count == 47 && text.hasPrefix("mtx_")) }
        for place in 4..<47 {
            #expect(Set(texts.map { Array($0.utf8)[place] }).count == 64)
        }
    }
}
