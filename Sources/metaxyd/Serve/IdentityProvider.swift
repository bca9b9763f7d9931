// Checks the tokens of an OpenID Connect issuer and returns the caller.

import API
import Foundation
import FoundationNetworking
import JSON
import WebToken

/// An OpenID Connect issuer whose tokens are accepted.
struct IdentityProvider: Sendable {
    /// The place of the issuer's keys.
    enum Source: Sendable, Hashable {
        case file(String)
        case url(URL)

        /// - Parameter text: a path, an https URL, or an http URL of this machine.
        init?(_ text: String) {
            guard text.contains("://") else {
                self = .file(text)
                return
            }
            guard let url = URL(string: text), let host = url.host,
                url.scheme == "https"
                    || (url.scheme == "http" && ["127.0.0.1", "localhost", "[::1]", "::1"].contains(host))
            else { return nil }
            self = .url(url)
        }
    }

    let terms: WebToken.Terms
    let claims: ProviderClaims
    private let keys: ProviderKeys

    /// An issuer whose keys are at `source`.
    init(_ terms: WebToken.Terms, claims: ProviderClaims, keysAt source: Source) {
        self.terms = terms
        self.claims = claims
        keys = ProviderKeys(source)
    }

    /// Reads the keys once, so that a wrong setting fails the start.
    ///
    /// - Throws: 78 if a file has no usable keys. A URL that cannot be reached is logged only: it may work later.
    func prepare() async throws(ExitReason) {
        do throws(ProviderKeys.Missing) {
            _ = try await keys.known()
        } catch {
            guard case .url = keys.source else {
                throw .configuration("oidc-jwks: cannot read the issuer's keys: \(error.detail)")
            }
            Log.write(.error, "cannot read the issuer's keys: \(error.detail)")
        }
    }

    /// The caller that a token identifies.
    func caller(_ text: String) async throws(Authorizer.Refusal) -> Caller {
        let verified: JSONValue
        do {
            verified = try await read(text)
        } catch let refusal as WebToken.Refusal {
            switch refusal {
            case .unknownKey: throw .unauthorized("The token is signed with a key that its issuer does not publish.")
            case .unsigned(let detail), .unfit(let detail): throw .unauthorized("The token is refused: \(detail).")
            }
        } catch let missing as ProviderKeys.Missing {
            throw .unavailable("cannot read the issuer's keys: \(missing.detail)")
        } catch {
            throw .unavailable("\(error)")
        }
        return try claims.caller(verified)
    }

    /// The verified claims of a token. An unknown key makes the keys be read again, once.
    private func read(_ text: String) async throws -> JSONValue {
        let token = try WebToken(compact: text)
        let now = Date().timeIntervalSince1970
        let known = try await keys.known()
        do throws(WebToken.Refusal) {
            return try token.claims(terms, keys: known, now: now)
        } catch {
            guard error == .unknownKey else { throw error }
            guard let renewed = try await keys.renewed() else { throw WebToken.Refusal.unknownKey }
            return try token.claims(terms, keys: renewed, now: now)
        }
    }
}
