// Figures of the database: sizes of tables, dead rows, standbys, connections.

public import Postgres

/// The size of a table with all its partitions.
public struct TableFigures: Sendable, Hashable {
    /// The table's name, that of the parent for partitions: a few, however many features there are.
    public let name: String
    /// Bytes of rows, those kept out of line included, and of indexes.
    public let tableBytes: Int64, indexBytes: Int64
    /// Rows that live and rows that wait for vacuum, as the database's statistics estimate them.
    public let liveRows: Int64, deadRows: Int64
}

/// The state of the database as a whole.
public struct DatabaseState: Sendable, Hashable {
    /// Whether the database is a standby, which takes no writes.
    public let isStandby: Bool
    /// Standbys that stream from it.
    public let standbys: Int
    /// The lag of the slowest standby in bytes. 0 where there is none, nil where the role may not read it.
    public let lagBytes: Int64?
    /// The time in which the slowest standby applies a commit, in seconds. Nil where nothing waits or the role may not read it.
    public let lagSeconds: Double?
    /// Age of the oldest transaction of any session of this database, in seconds: rows deleted since cannot be vacuumed.
    public let oldestTransactionSeconds: Double
    /// Transactions since the oldest frozen one; the database stops taking writes near two thousand million.
    public let frozenAge: Int64
    /// Connections to the server and how many it allows.
    public let connections: Int, connectionsMax: Int
}

/// Reads figures of the database.
public struct DatabaseFigures {
    private let connection: Connection

    /// The database behind `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// The tables by size, by name.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(tables and indexes), a look into the file system each; no row is read.
    public func tables() throws(StoreError) -> [TableFigures] {
        try connection.rows(.named("figures_tables")) { row throws(PostgresError) in
            TableFigures(
                name: try row.text(0), tableBytes: try row.int8(1), indexBytes: try row.int8(2),
                liveRows: try row.int8(3), deadRows: try row.int8(4))
        }
    }

    /// The state of the database.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(sessions).
    public func state() throws(StoreError) -> DatabaseState {
        let state = try connection.row(.named("figures_state")) { row throws(PostgresError) in
            DatabaseState(
                isStandby: try row.bool(0), standbys: Int(try row.int8(1)), lagBytes: try row.int8OrNil(2),
                lagSeconds: try row.doubleOrNil(3), oldestTransactionSeconds: try row.double(4),
                frozenAge: try row.int8(5), connections: Int(try row.int8(6)), connectionsMax: Int(try row.int8(7)))
        }
        guard let state else { throw .corrupt("the database said nothing of itself") }
        return state
    }
}
