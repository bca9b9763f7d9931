// Tokens of an identity provider: its keys, from a file or over HTTP, and who a token speaks for.

import API
import Foundation
import FoundationNetworking
import JSON
import WebToken

/// Who issues tokens besides this service (OpenID Connect).
struct IdentityProvider: Sendable {
    /// Where the provider's keys are.
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

    /// A provider whose keys are at `source`.
    init(_ terms: WebToken.Terms, claims: ProviderClaims, keysAt source: Source) {
        self.terms = terms
        self.claims = claims
        keys = ProviderKeys(source)
    }

    /// Reads the keys once, so that a slip in the settings shows at the start.
    ///
    /// - Throws: 78 where a file has none. A provider that cannot be reached now may be there later.
    func prepare() async throws(ExitReason) {
        do throws(ProviderKeys.Missing) {
            _ = try await keys.known()
        } catch {
            guard case .url = keys.source else {
                throw .configuration("oidc-jwks: the provider's keys cannot be read: \(error.detail)")
            }
            Log.write(.error, "the provider's keys cannot be read: \(error.detail)")
        }
    }

    /// Whom a token speaks for.
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
            throw .unavailable("the provider's keys cannot be read: \(missing.detail)")
        } catch {
            throw .unavailable("\(error)")
        }
        return try claims.caller(verified)
    }

    /// What a token says; a key that is not known yet is looked for once.
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
