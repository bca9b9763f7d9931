// Failures to write or to read an archive.

public import Postgres

/// A failure to write or to read an archive. Whatever it is, an import has changed nothing.
public enum ArchiveError: Error, Sendable, Hashable {
    /// The database refused or could not be reached, or contradicts itself.
    case store(StoreError)
    /// An archive is read into an empty database only; these tables have rows.
    case notEmpty([String])
    /// The archive was written at another schema than the database has: numbers of migrations.
    case otherSchema(archive: Int64, database: Int)
    /// The archive ends before its end.
    case cut
    /// The archive is not one, or not as it was written: the number of the line, from 1, and what is wrong there.
    case damaged(line: Int, String)
    /// The file cannot be written or read, in the words of who tried.
    case file(String)
}

extension ArchiveError: PostgresErrorConvertible {
    /// The failure of the database.
    public init(_ error: PostgresError) {
        self = .store(.database(error))
    }
}
