// API tokens: names, scopes, projects, and digests of their secrets.

public import Postgres

/// A token without its secrets.
public struct StoredToken: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// The scopes of the token.
    public let scopes: [String]
    /// The projects that the token can see; nil for all.
    public let projects: [String]?
    /// The time of creation, in microseconds since 1970.
    public let createdAt: Int64
    /// The name of the token that created it; nil for the command line.
    public let createdBy: String?
    /// When the last of its secrets expires: microseconds since 1970; nil for never.
    public let expiresAt: Int64?
    /// When it was revoked: microseconds since 1970; nil where it was not.
    public let revokedAt: Int64?
    /// How many of its secrets are accepted now.
    public let secrets: Int
}

/// A secret that is accepted now, by its digest.
public struct StoredSecret: Hashable, Sendable {
    /// The SHA-256 of the secret.
    public let digest: [UInt8]
    /// The name of the token that it belongs to.
    public let token: String
    /// The scopes of the token.
    public let scopes: [String]
    /// The projects that the token can see; nil for all.
    public let projects: [String]?
    /// Seconds until the secret expires; nil for never.
    public let secondsLeft: Double?

    /// The secret of these values.
    public init(digest: [UInt8], token: String, scopes: [String], projects: [String]?, secondsLeft: Double?) {
        self.digest = digest
        self.token = token
        self.scopes = scopes
        self.projects = projects
        self.secondsLeft = secondsLeft
    }
}

/// Reads and writes tokens.
public struct TokenTable {
    private let connection: Connection

    /// The tokens seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Creates a token without a secret.
    ///
    /// - Parameter author: the name of the token that creates this one; nil for the command line.
    /// - Returns: false where there is or was a token of this name.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func create(
        _ name: String, scopes: [String], projects: [String]?, author: String?
    ) throws(StoreError) -> Bool {
        try connection.run(
            .named("token_create"),
            [.text(name), .textArray(scopes), projects.map { .textArray($0) } ?? .null, .text(author)]) == 1
    }

    /// Adds a secret to a token.
    ///
    /// - Parameter lifetime: seconds until the secret expires; nil for never.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func add(_ digest: [UInt8], to name: String, lifetime: Double?) throws(StoreError) {
        try connection.run(
            .named("token_secret_add"), [.text(name), .bytes(digest), lifetime.map { .double($0) } ?? .null])
    }

    /// How long the newest secret of a token was to be accepted when it was made, in seconds; nil for ever.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lifetime(of name: String) throws(StoreError) -> Double? {
        try connection.row(.named("token_secret_lifetime"), [.text(name)]) { row throws(PostgresError) in
            try row.doubleOrNil(0)
        } ?? nil
    }

    /// Expires the secrets of a token after some seconds, except those that expire sooner.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func expire(_ name: String, afterSeconds seconds: Double) throws(StoreError) {
        try connection.run(.named("token_secret_expire"), [.text(name), .double(seconds)])
    }

    /// Revokes a token, if it is not revoked yet.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func revoke(_ name: String) throws(StoreError) {
        try connection.run(.named("token_revoke"), [.text(name)])
    }

    /// A token by name, locked until the end of the transaction.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func lock(_ name: String) throws(StoreError) -> StoredToken? {
        guard try connection.run(.named("token_lock"), [.text(name)]) == 1 else { return nil }
        return try connection.row(.named("token_find"), [.text(name)], Self.decode)
    }

    /// A page of tokens in the order of their names, revoked ones too.
    ///
    /// - Parameter after: the last name of the page before; "" for the first page.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func page(after: String, limit: Int) throws(StoreError) -> [StoredToken] {
        try connection.rows(.named("token_page"), [.text(after), .int8(Int64(limit))], Self.decode)
    }

    /// Whether there is or was any token.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func exist() throws(StoreError) -> Bool {
        try connection.row(.named("token_exist")) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    /// How many secrets are accepted now.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(secrets).
    public func acceptedCount() throws(StoreError) -> Int {
        let count = try connection.row(.named("token_accepted_count")) { row throws(PostgresError) in try row.int8(0) }
        return Int(count ?? 0)
    }

    /// Every secret that is accepted now.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(secrets).
    public func accepted() throws(StoreError) -> [StoredSecret] {
        try connection.rows(.named("token_accepted")) { row throws(PostgresError) in
            StoredSecret(
                digest: try row.bytes(0), token: try row.text(1), scopes: try row.textArray(2).compactMap { $0 },
                projects: try row.textArrayOrNil(3)?.compactMap { $0 }, secondsLeft: try row.doubleOrNil(4))
        }
    }

    private static func decode(_ row: Row) throws(PostgresError) -> StoredToken {
        StoredToken(
            name: try row.text(0), scopes: try row.textArray(1).compactMap { $0 },
            projects: try row.textArrayOrNil(2)?.compactMap { $0 }, createdAt: try row.timestamp(3),
            createdBy: try row.textOrNil(4), expiresAt: try row.timestampOrNil(5),
            revokedAt: try row.timestampOrNil(6), secrets: Int(try row.int8(7)))
    }
}
