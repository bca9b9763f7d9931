// Migrates the schema of a database.

import Feature
import Migrations
public import Postgres

/// Applies the numbered migrations that a database lacks.
public struct Migrator {
    private let connection: Connection

    /// A migrator of the database behind `connection`, which must be inside a transaction.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// The newest migration that this program knows.
    public static var newest: Int { MigrationFile.all.count }

    /// Applies the missing migrations in the caller's transaction. Other processes that migrate wait for its end.
    ///
    /// - Returns: the names of the migrations that were applied now.
    /// - Throws: `.newerSchema`, `.changedMigration`, `.database`.
    /// - Complexity: four round trips when nothing is missing.
    public func migrate() throws(StoreError) -> [String] {
        try connection.run(.named("migration_lock"))
        do { try connection.script(Self.createTable) } catch { throw StoreError(error) }
        let applied = try check()
        var names: [String] = []
        for file in MigrationFile.all.dropFirst(applied) {
            do { try connection.script(String(decoding: file.sql, as: UTF8.self)) } catch { throw StoreError(error) }
            try connection.run(
                .named("migration_note"),
                [.int4(Int32(file.number)), .text(file.name), .text(Self.checksum(file.sql))])
            names.append(file.name)
        }
        return names
    }

    /// Compares the applied migrations with those of this program.
    ///
    /// - Returns: how many migrations were applied.
    /// - Throws: `.newerSchema`; `.changedMigration` where one differs or is missing; `.database`, where there is no
    ///   schema at all.
    /// - Complexity: one round trip.
    public func check() throws(StoreError) -> Int {
        let applied = try connection.rows(.named("migration_applied")) { row throws(PostgresError) in
            (number: Int(try row.int4(0)), name: try row.text(1), checksum: try row.text(2))
        }
        guard applied.count <= MigrationFile.all.count else {
            throw .newerSchema(found: applied.count, known: MigrationFile.all.count)
        }
        for (row, file) in zip(applied, MigrationFile.all)
        where row.number != file.number || row.name != file.name || row.checksum != Self.checksum(file.sql) {
            throw .changedMigration(row.name)
        }
        return applied.count
    }

    private static func checksum(_ sql: [UInt8]) -> String {
        RecordHash(algorithm: .sha256, truncation: 64)?.digest(sql) ?? ""
    }

    private static let createTable = """
        CREATE TABLE IF NOT EXISTS schema_migration (
            applied_at timestamptz NOT NULL DEFAULT now(),
            number     integer PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL
        )
        """
}
