// API tokens as they are stored: names, what they may do, and digests of their secrets.

public import Postgres

/// A token as people see it.
public struct StoredToken: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// What whoever has it may do.
    public let scopes: [String]
    /// The only projects that it sees; nil for all.
    public let projects: [String]?
    /// When it was made: microseconds since 1970.
    public let createdAt: Int64
    /// The name of the token that made it; nil for the command line.
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
    /// What whoever has it may do.
    public let scopes: [String]
    /// The only projects that it sees; nil for all.
    public let projects: [String]?
    /// For how long it is still accepted, in seconds; nil for ever.
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

    /// Makes a token, without a secret.
    ///
    /// - Parameter author: the name of the token that makes it; nil for the command line.
    /// - Returns: false where there is or was a token of this name.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func create(
        _ name: String, scopes: [String], projects: [String]?, author: String?
    ) throws(StoreError) -> Bool {
        try connection.run(
            Self.createStatement,
            [.text(name), .textArray(scopes), projects.map { .textArray($0) } ?? .null, .text(author)]) == 1
    }

    /// Gives a token another secret.
    ///
    /// - Parameter lifetime: for how long it is accepted, in seconds; nil for ever.
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func add(_ digest: [UInt8], to name: String, lifetime: Double?) throws(StoreError) {
        try connection.run(
            Self.addStatement, [.text(name), .bytes(digest), lifetime.map { .double($0) } ?? .null])
    }

    /// How long the newest secret of a token was to be accepted when it was made, in seconds; nil for ever.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func lifetime(of name: String) throws(StoreError) -> Double? {
        try connection.row(Self.lifetimeStatement, [.text(name)]) { row throws(PostgresError) in
            try row.doubleOrNil(0)
        } ?? nil
    }

    /// Lets the secrets of a token expire after a while, where they do not expire sooner.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func expire(_ name: String, afterSeconds seconds: Double) throws(StoreError) {
        try connection.run(Self.expireStatement, [.text(name), .double(seconds)])
    }

    /// Revokes a token, if it is not revoked yet.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func revoke(_ name: String) throws(StoreError) {
        try connection.run(Self.revokeStatement, [.text(name)])
    }

    /// A token by name, locked until the end of the transaction.
    ///
    /// - Throws: `.database`.
    /// - Complexity: two round trips.
    public func lock(_ name: String) throws(StoreError) -> StoredToken? {
        guard try connection.run(Self.lockStatement, [.text(name)]) == 1 else { return nil }
        return try connection.row(Self.findStatement, [.text(name)], Self.decode)
    }

    /// A page of tokens in the order of their names, revoked ones too.
    ///
    /// - Parameter after: the last name of the page before; "" for the first page.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(limit).
    public func page(after: String, limit: Int) throws(StoreError) -> [StoredToken] {
        try connection.rows(Self.pageStatement, [.text(after), .int8(Int64(limit))], Self.decode)
    }

    /// Whether there is or was any token.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip.
    public func exist() throws(StoreError) -> Bool {
        try connection.row(Self.existStatement) { row throws(PostgresError) in try row.bool(0) } ?? false
    }

    /// How many secrets are accepted now.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(secrets).
    public func acceptedCount() throws(StoreError) -> Int {
        let count = try connection.row(Self.countStatement) { row throws(PostgresError) in try row.int8(0) }
        return Int(count ?? 0)
    }

    /// Every secret that is accepted now.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(secrets).
    public func accepted() throws(StoreError) -> [StoredSecret] {
        try connection.rows(Self.acceptedStatement) { row throws(PostgresError) in
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

extension TokenTable {
    private static let createStatement = Statement(
        "token_create",
        """
        INSERT INTO api_token (name, scopes, projects, created_by) VALUES ($1, $2, $3::text[], $4)
        ON CONFLICT DO NOTHING
        """)

    private static let addStatement = Statement(
        "token_secret_add",
        """
        INSERT INTO api_token_secret (token_name, digest, expires_at)
        VALUES ($1, $2, now() + make_interval(secs => $3::double precision))
        """)

    private static let lifetimeStatement = Statement(
        "token_secret_lifetime",
        """
        SELECT extract(epoch FROM expires_at - created_at)::double precision FROM api_token_secret
        WHERE token_name = $1 ORDER BY created_at DESC LIMIT 1
        """)

    private static let expireStatement = Statement(
        "token_secret_expire",
        """
        UPDATE api_token_secret SET expires_at = now() + make_interval(secs => $2)
        WHERE token_name = $1 AND (expires_at IS NULL OR expires_at > now() + make_interval(secs => $2))
        """)

    private static let revokeStatement = Statement(
        "token_revoke", "UPDATE api_token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL")

    private static let lockStatement = Statement(
        "token_lock", "SELECT FROM api_token WHERE name = $1 FOR UPDATE")

    private static let columns = """
        t.name, t.scopes, t.projects, t.created_at, t.created_by,
        (SELECT nullif(max(coalesce(s.expires_at, 'infinity')), 'infinity') FROM api_token_secret s
         WHERE s.token_name = t.name),
        t.revoked_at,
        (SELECT count(*) FROM api_token_secret s
         WHERE s.token_name = t.name AND t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now()))
        """

    private static let findStatement = Statement(
        "token_find", "SELECT \(columns) FROM api_token t WHERE t.name = $1")

    private static let pageStatement = Statement(
        "token_page", "SELECT \(columns) FROM api_token t WHERE t.name > $1 ORDER BY t.name LIMIT $2")

    private static let existStatement = Statement("token_exist", "SELECT EXISTS (SELECT FROM api_token)")

    private static let accepting = """
        FROM api_token_secret s JOIN api_token t ON t.name = s.token_name
        WHERE t.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
        """

    private static let countStatement = Statement("token_accepted_count", "SELECT count(*) \(accepting)")

    private static let acceptedStatement = Statement(
        "token_accepted",
        """
        SELECT s.digest, t.name, t.scopes, t.projects, extract(epoch FROM s.expires_at - now())::double precision
        \(accepting)
        """)
}
