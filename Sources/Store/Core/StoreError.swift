// What can go wrong in the store.

public import Postgres

/// A failure of the store.
public enum StoreError: Error, Sendable, Hashable {
    /// The database refused or could not be reached; the text of the cause is for the log, never for a client.
    case database(PostgresError)
    /// What is stored contradicts itself: a bug, or a hand in the tables.
    case corrupt(String)
    /// The schema in the database is newer than this program.
    case newerSchema(found: Int, known: Int)
    /// A migration that was applied differs from the one in this program.
    case changedMigration(String)
}

extension StoreError: PostgresErrorConvertible {
    /// The same failure, seen from the store.
    public init(_ error: PostgresError) {
        self = .database(error)
    }
}
