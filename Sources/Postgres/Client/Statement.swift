// A named SQL statement with parameters.

/// One SQL statement, and its name in errors, logs and the server's prepared statements.
///
/// Parameters are written `$1` … `$65535`. Their types come from the `Parameter` values, not from the SQL. Where an
/// untyped `.null` may be passed, the SQL needs a cast (`$1::bigint`).
public struct Statement: Sendable, Hashable {
    /// The name, unique for its SQL. Only its first 40 characters count, so that it fits the server's limit of 63.
    public let name: String
    /// The SQL, one statement.
    public let sql: String
    /// Whether each connection prepares it once and keeps it. False for DDL and for SQL that is used once.
    public let prepare: Bool

    /// Names a piece of SQL.
    public init(_ name: String, _ sql: String, prepare: Bool = true) {
        self.name = name
        self.sql = sql
        self.prepare = prepare
    }
}
