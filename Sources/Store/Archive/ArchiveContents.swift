// The partitions of a database, in the order of an archive.

import Postgres

/// The partitions of a database, in the order in which an archive has them.
struct ArchiveContents {
    /// Id spaces.
    let spaces: [Int32]
    /// Features, and the numbers that stand for the units of some.
    let storages: [Int32]

    /// Reads them from the registry.
    init(_ connection: Connection) throws(StoreError) {
        spaces = try connection.rows(.named("archive_spaces")) { row throws(PostgresError) in try row.int4(0) }
        storages = try connection.rows(.named("archive_storages")) { row throws(PostgresError) in try row.int4(0) }
    }

    /// Everything after the registry.
    var sections: [ArchiveSection] {
        spaces.map { ArchiveSection.records(of: $0) } + storages.flatMap { ArchiveSection.versions(of: $0) }
            + ArchiveSection.state
    }
}

extension Connection {
    /// Lets the transaction last as long as it takes, and write values in one form.
    ///
    /// Rows are read in the order in which they lie: two archives of the same rows are the same.
    func settleForArchive() throws(StoreError) {
        do {
            try script(
                """
                SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
                SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0;
                SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'; SET LOCAL jit = off
                """)
        } catch {
            throw StoreError(error)
        }
    }
}
