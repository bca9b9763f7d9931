// A signed token of an identity provider.

public import JSON

/// A JSON Web Token (RFC 7519) in compact form, signed with RS256 or ES256.
///
/// Nothing of its content can be had before its signature is verified. Other algorithms are refused, `none` and the
/// symmetric ones first of all: a public key must never serve as the secret of a MAC (RFC 8725 section 3.1).
public struct WebToken: Sendable {
    /// Why a token is not accepted.
    public enum Refusal: Error, Sendable, Hashable {
        /// It is no token of the kind that is accepted, or signed by nobody who is known.
        case unsigned(String)
        /// It names a key that is not in the set: perhaps the provider has a new one.
        case unknownKey
        /// It is signed, and not good here and now.
        case unfit(String)
    }

    /// What a token must say of itself.
    public struct Terms: Sendable, Hashable {
        /// Who must have issued it: `iss`, compared byte by byte.
        public let issuer: String
        /// Whom it must be for: one of `aud`.
        public let audience: String

        /// For how long after its end, or before its beginning, a token still passes: clocks differ. In seconds.
        static let leeway: Double = 60

        /// Terms of these names.
        public init(issuer: String, audience: String) {
            self.issuer = issuer
            self.audience = audience
        }
    }

    private static let bytesMax = 16_384

    private let algorithm: String
    private let keyID: String?
    private let message: [UInt8]
    private let payload: [UInt8]
    private let signature: [UInt8]

    /// Reads the parts of a token.
    ///
    /// - Throws: `unsigned`.
    public init(compact text: String) throws(Refusal) {
        let parts = text.utf8.count > Self.bytesMax ? [] : text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .unsigned("it is not three parts of base64url") }
        let fields: JSONValue
        do { fields = try JSONValue(parsing: header) } catch { throw .unsigned("its header is no JSON") }
        guard let algorithm = fields["alg"]?.stringValue, ["RS256", "ES256"].contains(algorithm) else {
            throw .unsigned("it is not signed with RS256 or ES256")
        }
        // RFC 7515 section 4.1.11: whoever does not know an extension that matters must refuse.
        guard fields["crit"] == nil else { throw .unsigned("its header has extensions that are not known here") }
        self.algorithm = algorithm
        keyID = fields["kid"]?.stringValue
        message = Array((parts[0] + "." + parts[1]).utf8)
        self.payload = payload
        self.signature = signature
    }

    /// What the token says, once it is known to be good.
    ///
    /// - Parameters:
    ///   - keys: of the provider.
    ///   - now: seconds since 1970.
    /// - Throws: `unknownKey`, `unsigned`, `unfit`.
    /// - Complexity: a verification for each key of the token's id: tens of microseconds.
    public func claims(_ terms: Terms, keys: KeySet, now: Double) throws(Refusal) -> JSONValue {
        let candidates = keys.keys(id: keyID)
        guard !candidates.isEmpty else { throw .unknownKey }
        guard candidates.contains(where: { $0.verifies(signature, over: message, algorithm: algorithm) }) else {
            throw .unsigned("its signature is not that of a key of the issuer")
        }
        let claims: JSONValue
        do { claims = try JSONValue(parsing: payload) } catch { throw .unfit("it holds no JSON") }
        guard claims["iss"]?.stringValue == terms.issuer else { throw .unfit("it is of another issuer") }
        let audience = claims["aud"]
        guard audience?.stringValue == terms.audience || audience?.arrayValue?.contains(.string(terms.audience)) == true
        else { throw .unfit("it is for somebody else") }
        // RFC 9068 section 2.2: a token that says nothing of its end would be good for ever.
        guard let end = claims["exp"]?.seconds else { throw .unfit("it has no end") }
        guard now < end + Terms.leeway else { throw .unfit("it has expired") }
        if let start = claims["nbf"] {
            guard let start = start.seconds, start - Terms.leeway <= now else { throw .unfit("it is not good yet") }
        }
        return claims
    }
}

extension JSONValue {
    /// A NumericDate (RFC 7519 section 2): seconds since 1970.
    fileprivate var seconds: Double? {
        switch self {
        case .integer(let seconds): Double(seconds)
        case .double(let seconds): seconds
        default: nil
        }
    }
}
