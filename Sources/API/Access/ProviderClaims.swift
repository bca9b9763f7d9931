// Whom a token of an identity provider speaks for.

public import JSON
import Service

/// How the claims of a provider's tokens are read.
public struct ProviderClaims: Sendable, Hashable {
    /// What a scope is called among those that a provider gives for all its services: `metaxy:read` and so on.
    private static let scopePrefix = "metaxy:"
    private static let projectsClaim = "metaxy_projects"
    private static let subjectBytesMax = 200

    /// The claim that lists scopes: a text with spaces between them (RFC 8693 section 4.2), or an array of texts.
    public let scopeClaim: String

    /// A reading of the scopes in `scopeClaim`.
    public init(scopeClaim: String) {
        self.scopeClaim = scopeClaim
    }

    /// The caller that a token speaks for: `oidc:` and the subject by name, limited to the projects of
    /// `metaxy_projects` where the token has it.
    ///
    /// - Parameter claims: of a token whose signature is good.
    /// - Throws: `unauthorized` where it names nobody, or its projects cannot be read.
    public func caller(_ claims: JSONValue) throws(Authorizer.Refusal) -> Caller {
        guard let subject = claims["sub"]?.stringValue, 1...Self.subjectBytesMax ~= subject.utf8.count,
            subject.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else { throw .unauthorized("The token names nobody: its sub is missing, too long, or has other than ASCII.") }
        let listed = claims[scopeClaim]
        let words = listed?.stringValue?.split(separator: " ").map(String.init) ?? listed?.texts ?? []
        let scopes = words.compactMap { word in
            word.hasPrefix(Self.scopePrefix)
                ? Permission(rawValue: String(word.dropFirst(Self.scopePrefix.count))) : nil
        }
        var visibleProjects = VisibleProjects.everything
        if let projects = claims[Self.projectsClaim] {
            guard let names = projects.texts else {
                throw .unauthorized("The token's \(Self.projectsClaim) is no array of texts.")
            }
            visibleProjects = VisibleProjects(Set(names))
        }
        return Caller(name: "oidc:\(subject)", scopes: Set(scopes), visibleProjects: visibleProjects)
    }
}

extension JSONValue {
    /// The elements of an array of texts; nil for anything else.
    fileprivate var texts: [String]? {
        guard let elements = arrayValue else { return nil }
        let texts = elements.compactMap(\.stringValue)
        return texts.count == elements.count ? texts : nil
    }
}
