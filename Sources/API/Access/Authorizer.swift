// Who may do what.

public import HTTP
public import Service

/// Whom a request comes from.
public struct Caller: Sendable, Hashable {
    /// The name of the token; nil where nobody had to say who they are.
    public let name: String?
    /// What the caller may do.
    public let scopes: Set<Permission>
    /// Which projects the caller sees.
    public let visibleProjects: VisibleProjects

    /// A caller of these scopes.
    public init(name: String?, scopes: Set<Permission>, visibleProjects: VisibleProjects = .everything) {
        self.name = name
        self.scopes = scopes
        self.visibleProjects = visibleProjects
    }
}

/// Decides whom a request comes from, before its body is read.
public struct Authorizer: Sendable {
    /// Why nobody could be made out.
    public enum Refusal: Error, Sendable, Hashable {
        /// Credentials are missing or wrong; the text is for the client.
        case unauthorized(String)
        /// They cannot be checked for the moment; the text is for the log.
        case unavailable(String)
    }

    let identify: @Sendable (RequestHead) async throws(Refusal) -> Caller

    /// An authorizer that asks `identify`.
    public init(identify: @escaping @Sendable (RequestHead) async throws(Refusal) -> Caller) {
        self.identify = identify
    }

    /// Lets everyone do everything: for loopback only.
    public static let open: Authorizer = {
        let everyone = Caller(name: nil, scopes: Set(Permission.allCases))
        return Authorizer { _ throws(Refusal) in everyone }
    }()

    /// Asks for an API token (RFC 6750 section 2.1): in a header field, never in a URL, which others log.
    ///
    /// - Parameter provider: whom the tokens of an identity provider belong to; nil where there is none. They are those
    ///   with a dot: no secret of an API token has one.
    public static func tokens(
        of metaxy: Metaxy, or provider: (@Sendable (String) async throws(Refusal) -> Caller)? = nil
    ) -> Authorizer {
        Authorizer { (head) async throws(Refusal) in
            guard let field = head.headers["Authorization"] else {
                throw .unauthorized("The request has no token; send Authorization: Bearer TOKEN.")
            }
            let parts = field.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw .unauthorized("The field Authorization is not Bearer TOKEN.")
            }
            if let provider, parts[1].contains(".") { return try await provider(String(parts[1])) }
            let found: TokenIdentity?
            do throws(ServiceError) {
                found = try await metaxy.tokens.identify(String(parts[1]))
            } catch {
                throw .unavailable("\(error)")
            }
            guard let found else { throw .unauthorized("The token is unknown, has expired or was revoked.") }
            return Caller(name: found.name, scopes: found.scopes, visibleProjects: found.visibleProjects)
        }
    }

    /// The caller, if they may do what a route needs.
    ///
    /// - Throws: `unauthorized`, `forbidden`, `unavailable`.
    func caller(_ head: RequestHead, for scope: Permission, ofAllProjects isGlobal: Bool) async throws(Problem)
        -> Caller
    {
        let caller: Caller
        do {
            caller = try await identify(head)
        } catch {
            switch error {
            case .unauthorized(let detail): throw Problem(.unauthorized, detail)
            case .unavailable(let cause):
                throw Problem(.unavailable, "Credentials cannot be checked for the moment.").with(cause: cause)
            }
        }
        guard caller.scopes.contains(scope) else { throw Problem(needing: scope) }
        guard !isGlobal || caller.visibleProjects.isEverything else {
            throw Problem(.forbidden, "This tells of all projects; the token is limited to some.")
        }
        return caller
    }
}

extension Problem {
    /// The problem of a caller without a scope.
    init(needing scope: Permission) {
        self = Problem(.forbidden, "This needs the scope \"\(scope.rawValue)\".")
            .with(
                "WWW-Authenticate", "Bearer realm=\"metaxy\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
            )
    }
}
