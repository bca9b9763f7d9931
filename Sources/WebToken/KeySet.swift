// The public keys of an identity provider.

import JSON

/// Keys that tokens may be signed with: a JWK Set (RFC 7517 section 5).
public struct KeySet: Sendable {
    /// Bits of an RSA modulus: shorter ones can be factored, longer ones make each verification slow.
    private static let modulusBits = 2_048...8_192

    /// A public key.
    enum Key: Sendable, Hashable {
        /// RS256: modulus and exponent, big-endian.
        case rsa(modulus: [UInt8], exponent: [UInt8])
        /// ES256: an uncompressed point on P-256.
        case p256(point: [UInt8])
    }

    /// Why text is no key set.
    public struct Unusable: Error, Sendable, Hashable {
        /// What is wrong, for the log.
        public let detail: String
    }

    private let keys: [(id: String?, key: Key)]

    /// Reads a key set; keys of other kinds and for other uses are passed over, as RFC 7517 section 5 asks.
    ///
    /// - Throws: `Unusable` where the text is no key set, or has no key that can verify RS256 or ES256.
    public init(json: [UInt8]) throws(Unusable) {
        let document: JSONValue
        do { document = try JSONValue(parsing: json) } catch { throw Unusable(detail: "it is no JSON: \(error)") }
        guard let entries = document["keys"]?.arrayValue else { throw Unusable(detail: "it has no array \"keys\"") }
        keys = entries.compactMap { entry in
            Self.key(entry).map { (entry["kid"]?.stringValue, $0) }
        }
        guard !keys.isEmpty else { throw Unusable(detail: "none of its keys is for RS256 or ES256") }
    }

    /// The keys that a token may have been signed with: those of its `kid`; where it names none, all.
    func keys(id: String?) -> [Key] {
        keys.filter { id == nil || $0.id == id }.map(\.key)
    }

    private static func key(_ entry: JSONValue) -> Key? {
        if let use = entry["use"], use.stringValue != "sig" { return nil }
        if let uses = entry["key_ops"], uses.arrayValue?.contains(.string("verify")) != true { return nil }
        func bytes(_ name: String) -> [UInt8]? { entry[name]?.stringValue.flatMap { Base64URL.decode($0) } }
        let algorithm = entry["alg"]?.stringValue
        switch entry["kty"]?.stringValue {
        case "RSA":
            guard algorithm ?? "RS256" == "RS256", let modulus = bytes("n"), let exponent = bytes("e"),
                let first = modulus.first, first != 0, (1...8).contains(exponent.count)
            else { return nil }
            let bits = modulus.count * 8 - first.leadingZeroBitCount
            return modulusBits.contains(bits) ? .rsa(modulus: modulus, exponent: exponent) : nil
        case "EC":
            guard algorithm ?? "ES256" == "ES256", entry["crv"]?.stringValue == "P-256",
                let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32
            else { return nil }
            return .p256(point: [4] + x + y)
        default: return nil
        }
    }
}
