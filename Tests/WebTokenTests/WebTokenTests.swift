// Tokens that another implementation signed, and what is wrong with those that are refused.

import Foundation
import JSON
import Testing
import WebToken

@Suite("Tokens of an identity provider")
struct WebTokenTests {
    /// Keys and tokens made by a Python library, all good until the year 2100.
    private static let fixtures = Result { try JSONValue(parsing: Array(Data(contentsOf: fixturesURL))) }
    private static let fixturesURL = Bundle.module.bundleURL.appending(path: "Fixtures/tokens.json")
    private static let terms = WebToken.Terms(issuer: "https://issuer.example", audience: "metaxy")
    private static let now = 1_800_000_000.0

    private static func keys() throws -> KeySet {
        try KeySet(json: bytes(try #require(try fixtures.get()["keys"])))
    }

    private static func bytes(_ json: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(json)
        return writer.bytes
    }

    /// The tokens of a part of the fixtures, by what is special about them.
    private static func tokens(_ part: String) throws -> [(name: String, value: JSONValue)] {
        (try fixtures.get()[part]?.objectValue?.members ?? []).map { ($0.name, $0.value) }
    }

    private static func claims(_ text: String, at now: Double = now) throws(WebToken.Refusal) -> JSONValue {
        let keys: KeySet
        do { keys = try Self.keys() } catch { throw .unfit("no keys: \(error)") }
        return try WebToken(compact: text).claims(terms, keys: keys, now: now)
    }

    @Test("what the issuer signed for this service is accepted")
    func good() throws {
        let tokens = try Self.tokens("good")
        #expect(tokens.count == 11)
        for (name, token) in tokens {
            let claims = try Self.claims(try #require(token.stringValue))
            #expect(claims["sub"] == .string("ann"), "\(name)")
        }
    }

    @Test("anything else is refused, for the reason that it should be")
    func bad() throws {
        let tokens = try Self.tokens("bad")
        #expect(tokens.count == 22)
        for (name, entry) in tokens {
            let text = try #require(entry["token"]?.stringValue)
            let expected = entry["refusal"]?.stringValue
            // Whom a token speaks for is read from its claims, which are good.
            if expected == "nobody" {
                _ = try Self.claims(text)
                continue
            }
            do {
                _ = try Self.claims(text)
                Issue.record("accepted: \(name)")
            } catch {
                let kind =
                    switch error {
                    case .unsigned: "unsigned"
                    case .unknownKey: "unknownKey"
                    case .unfit: "unfit"
                    }
                #expect(kind == expected, "\(name): \(error)")
            }
        }
    }

    @Test("a token with any one bit changed is refused", arguments: ["RS256", "ES256"])
    func changed(name: String) throws {
        let token = try #require(try Self.tokens("good").first { $0.name == name }?.value.stringValue)
        for index in token.utf8.indices {
            for bit in 0..<7 {
                var bytes = Array(token.utf8)
                bytes[token.utf8.distance(from: token.utf8.startIndex, to: index)] ^= 1 << UInt8(bit)
                #expect(throws: WebToken.Refusal.self) { try Self.claims(String(decoding: bytes, as: UTF8.self)) }
            }
        }
    }

    @Test(
        "text that is no token is refused",
        arguments: ["", ".", "..", "a.b.c", "a.b.c.d"])
    func noise(text: String) {
        #expect(throws: WebToken.Refusal.self) { try Self.claims(text) }
    }

    @Test("a token that is too long is not looked at")
    func long() throws {
        let token = try #require(try Self.tokens("good").first { $0.name == "RS256" }?.value.stringValue)
        #expect(throws: WebToken.Refusal.unsigned("it is not three parts of base64url")) {
            try Self.claims(token + String(repeating: "A", count: 20_000))
        }
    }

    @Test("a token is good until a minute after its end")
    func leeway() throws {
        let token = try #require(try Self.tokens("good").first { $0.name == "RS256" }?.value.stringValue)
        _ = try Self.claims(token, at: 4_102_444_859)
        #expect(throws: WebToken.Refusal.unfit("it has expired")) { try Self.claims(token, at: 4_102_444_860) }
    }

    @Test(
        "what is no set of usable keys is refused",
        arguments: [
            "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
            #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
            #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#,
        ])
    func keySets(text: String) {
        #expect(throws: KeySet.Unusable.self) { try KeySet(json: Array(text.utf8)) }
    }
}
