// Who may do what.

public import HTTP

/// What a request needs to be allowed.
public enum AccessScope: String, Sendable, Hashable, CaseIterable {
    /// Reading anything.
    case read
    /// Pushing graphs and writing records.
    case write
    /// Taking and reporting claims.
    case work
    /// Everything else.
    case admin
}

/// Whom a request comes from.
public struct Caller: Sendable, Hashable {
    /// The name of the token; nil where nobody had to say who they are.
    public let name: String?
    /// What the caller may do.
    public let scopes: Set<AccessScope>

    /// A caller of these scopes.
    public init(name: String?, scopes: Set<AccessScope>) {
        self.name = name
        self.scopes = scopes
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
    public static let open = Authorizer { _ throws(Refusal) in
        Caller(name: nil, scopes: Set(AccessScope.allCases))
    }

    /// The caller, if they may do what needs `scope`.
    ///
    /// - Throws: `unauthorized`, `forbidden`, `unavailable`.
    func caller(_ head: RequestHead, for scope: AccessScope) async throws(Problem) -> Caller {
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
        return caller
    }
}

extension Problem {
    /// The problem of a caller without a scope.
    init(needing scope: AccessScope) {
        self.init(.forbidden, "This needs the scope \"\(scope.rawValue)\".")
    }
}
