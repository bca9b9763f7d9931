// Creates, lists, rotates and revokes API tokens, and identifies the token of a secret.

import Postgres
public import Store

/// A request to create a token.
public struct TokenRequest: Sendable {
    /// The name. No other token may have it, now or earlier.
    public var name: String
    /// The token's permissions.
    public var scopes: Set<Permission>
    /// The projects that the token sees; nil for all.
    public var projects: Set<String>?
    /// For how long the secret is accepted, in seconds; nil for ever.
    public var lifetime: Double?

    /// A request for a token of these properties.
    public init(name: String, scopes: Set<Permission>, projects: Set<String>? = nil, lifetime: Double? = nil) {
        self.name = name
        self.scopes = scopes
        self.projects = projects
        self.lifetime = lifetime
    }
}

/// A token with a new secret.
public struct NewToken: Sendable {
    /// The token.
    public let token: StoredToken
    /// The new secret. It is stored nowhere.
    public let secret: TokenSecret
}

extension TokenService {
    /// Identifies the token of a secret.
    ///
    /// The answer comes from memory. The secrets are read again when they are older than `TransactionLimits.tokenMemory`.
    /// While the database is away, they stay in use for `TransactionLimits.tokenMemoryMax`.
    ///
    /// - Returns: nil where the secret is unknown, has expired or was revoked.
    /// - Throws: `.unavailable`.
    /// - Complexity: O(1); one round trip of the process in `TransactionLimits.tokenMemory`.
    public func identify(_ secret: String) async throws(ServiceError) -> TokenIdentity? {
        let digest = TokenSecret.digest(of: secret)
        let start = ContinuousClock.now
        if case .load(let generation) = memory.order(at: start) {
            do throws(ServiceError) {
                let secrets = try await pool.withConnection { (connection) throws(ServiceError) in
                    try stored { () throws(StoreError) in try TokenTable(connection).accepted() }
                }
                memory.replace(secrets, readAt: start, generation: generation)
            } catch {
                guard memory.giveUp(at: .now) else { throw error }
            }
        }
        return memory.find(digest, at: .now)
    }

    /// Creates a token.
    ///
    /// - Parameter writer: the caller, for the log of changes; empty for the command line.
    /// - Throws: `.invalid` where the name is not one that `TokenName` allows; `.conflict` where there is or was a token
    ///   of this name, or there are too many; `.unavailable`.
    /// - Complexity: four round trips.
    public func create(
        _ request: TokenRequest, writer: Writer = Writer()
    ) async throws(ServiceError) -> NewToken {
        if let fault = TokenName.fault(in: request.name) { throw .invalid([Fault(.pointer("/name"), fault)]) }
        let secret = TokenSecret()
        let token = try await changeTokens { (connection) throws(ServiceError) in
            try connection.createToken(request, secret, writer)
        }
        return NewToken(token: token, secret: secret)
    }

    /// Creates the first token, with every permission. Does nothing where there is or was a token.
    ///
    /// - Parameter secret: its secret.
    /// - Returns: whether it was made.
    /// - Throws: `.unavailable`.
    public func createFirst(_ secret: TokenSecret) async throws(ServiceError) -> Bool {
        try await changeTokens { (connection) throws(ServiceError) in
            let exist = try stored { () throws(StoreError) in try TokenTable(connection).exist() }
            guard !exist else { return false }
            let request = TokenRequest(name: "admin", scopes: Set(Permission.allCases))
            _ = try connection.createToken(request, secret, Writer())
            return true
        }
    }

    /// Whether there is or was any token.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one round trip.
    public func exist() async throws(ServiceError) -> Bool {
        try await pool.withConnection { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in try TokenTable(connection).exist() }
        }
    }

    /// Gives a token a new secret. Its present secrets stay valid for a while, so that clients can switch.
    ///
    /// - Parameters:
    ///   - grace: for how long the present secrets are still accepted, in seconds; 0 for not at all.
    ///   - lifetime: how long the new secret is accepted.
    /// - Throws: `.tokenNotFound`; `.conflict` where the token was revoked; `.unavailable`.
    /// - Complexity: six round trips.
    public func rotate(
        _ name: String, grace: Double, lifetime: SecretLifetime, writer: Writer = Writer()
    ) async throws(ServiceError) -> NewToken {
        let secret = TokenSecret()
        let token = try await changeTokens { (connection) throws(ServiceError) in
            let tokens = TokenTable(connection)
            let known = try stored { () throws(StoreError) in try tokens.lock(name) }
            guard let known else { throw .tokenNotFound(name) }
            guard known.revokedAt == nil else {
                throw .conflict("the token \"\(name)\" was revoked; make one of another name")
            }
            try connection.requirePlaceForSecret()
            return try stored { () throws(StoreError) in
                let seconds: Double? =
                    switch lifetime {
                    case .asBefore: try tokens.lifetime(of: name)
                    case .unlimited: nil
                    case .seconds(let seconds): seconds
                    }
                try tokens.expire(name, afterSeconds: grace)
                try tokens.add(secret.digest, to: name, lifetime: seconds)
                try connection.note(.tokenRotated, name, writer)
                return try tokens.lock(name) ?? known
            }
        }
        return NewToken(token: token, secret: secret)
    }

    /// Revokes a token with all its secrets, in this process at once and in others within `TransactionLimits.tokenMemory`. Revoking it
    /// again changes nothing.
    ///
    /// - Throws: `.tokenNotFound`, `.unavailable`.
    /// - Complexity: three round trips.
    public func revoke(_ name: String, writer: Writer = Writer()) async throws(ServiceError) {
        try await changeTokens { (connection) throws(ServiceError) in
            let tokens = TokenTable(connection)
            let known = try stored { () throws(StoreError) in try tokens.lock(name) }
            guard let known else { throw .tokenNotFound(name) }
            guard known.revokedAt == nil else { return }
            try stored { () throws(StoreError) in
                try tokens.revoke(name)
                try connection.note(.tokenRevoked, name, writer)
            }
        }
    }

    /// A page of the tokens in the order of their names, revoked ones too.
    ///
    /// - Parameters:
    ///   - after: the last name of the page before; nil for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Returns: the tokens, and whether there are more.
    /// - Throws: `.unavailable`.
    /// - Complexity: one round trip; O(limit).
    public func list(
        after: String?, limit: Int
    ) async throws(ServiceError) -> (tokens: [StoredToken], hasMore: Bool) {
        try await pool.withConnection { (connection) throws(ServiceError) in
            let found = try stored { () throws(StoreError) in
                try TokenTable(connection).page(after: after ?? "", limit: limit + 1)
            }
            return (Array(found.prefix(limit)), found.count > limit)
        }
    }

    private func changeTokens<T: Sendable>(
        _ body: @escaping @Sendable (Connection) throws(ServiceError) -> T
    ) async throws(ServiceError) -> T {
        let value = try await pool.transaction { (connection) throws(ServiceError) -> T in try body(connection) }
        memory.forget()
        return value
    }
}

extension Connection {
    fileprivate func createToken(
        _ request: TokenRequest, _ secret: TokenSecret, _ writer: Writer
    ) throws(ServiceError) -> StoredToken {
        try requirePlaceForSecret()
        let tokens = TokenTable(self)
        let isNew = try stored { () throws(StoreError) in
            try tokens.create(
                request.name, scopes: request.scopes.map(\.rawValue).sorted(), projects: request.projects?.sorted(),
                author: writer.token)
        }
        guard isNew else {
            throw .conflict("there is, or was, a token \"\(request.name)\"; a name is given once")
        }
        let token = try stored { () throws(StoreError) in
            try tokens.add(secret.digest, to: request.name, lifetime: request.lifetime)
            try note(.tokenCreated, request.name, writer)
            return try tokens.lock(request.name)
        }
        guard let token else { throw .internal("the token \(request.name) was not stored") }
        return token
    }

    /// Notes a change of a token.
    fileprivate func note(_ kind: ChangeKind, _ name: String, _ writer: Writer) throws(StoreError) {
        try ChangeLog(self).begin(writer, LoggedChange(kind, detail: ChangeDetail.texts(["token": name])))
    }

    fileprivate func requirePlaceForSecret() throws(ServiceError) {
        let count = try stored { () throws(StoreError) in try TokenTable(self).acceptedCount() }
        guard count < TransactionLimits.tokenSecretsMax else {
            throw .conflict("there are \(count) tokens already; revoke some")
        }
    }
}
