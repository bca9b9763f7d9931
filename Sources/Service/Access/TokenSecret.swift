// The secrets of API tokens: how they are made, and their digests, which are stored.

import Feature

/// A secret of an API token.
public struct TokenSecret: Sendable {
    /// The prefix of every secret, by which people and scanners recognise one.
    public static let prefix = "mtx_"

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The text that the client sends. It is shown once and stored nowhere.
    public let text: String

    /// A new secret: 256 bits of the system's random number generator, six in each character.
    public init() {
        // SystemRandomNumberGenerator is getrandom(2) on Linux: fit for secrets.
        var generator = SystemRandomNumberGenerator()
        var digits: [UInt8] = []
        for _ in 0..<4 {
            var bits: UInt64 = generator.next()
            for _ in 0..<10 {
                digits.append(Self.alphabet[Int(bits & 63)])
                bits >>= 6
            }
        }
        // Forty characters carry 240 bits; three more make it 258.
        let rest: UInt64 = generator.next()
        for shift in [0, 6, 12] as [UInt64] { digits.append(Self.alphabet[Int((rest >> shift) & 63)]) }
        text = Self.prefix + String(decoding: digits, as: UTF8.self)
    }

    /// The digest, which is stored.
    var digest: [UInt8] { Self.digest(of: text) }

    /// The SHA-256 of a secret. A secret is as random as a digest, so nobody finds it by trying, however fast the hash:
    /// a salted or slow one, as passwords need, would only make each request slower.
    static func digest(of text: String) -> [UInt8] {
        var digest = ContentDigest()
        digest.add(Array(text.utf8))
        return digest.value
    }

    /// Whether two digests are equal, in a time that does not tell where they differ.
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        var difference: UInt8 = 0
        for index in one.indices { difference |= one[index] ^ other[index] }
        return difference == 0
    }
}
