// Migrations: applied once, in order, checked, and equal to the readable schema.

import Foundation
import Postgres
import Store
import TestSupport
import Testing

@Suite("Migrations")
struct MigrationTests {
    @Test("migrating again applies nothing")
    func isIdempotent() async throws {
        try await Migrated.with { migrated in
            let again = try await migrated.pool.transaction { (connection) throws(StoreError) in
                try Migrator(connection).migrate()
            }
            #expect(again == [])
        }
    }

    @Test("two who migrate at once do it once")
    func isExclusive() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 4))
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await pool.transaction { (connection) throws(StoreError) in
                            try Migrator(connection).migrate().count
                        }
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            await pool.close()
            #expect(applied.sorted() == [0, 0, 0, Migrator.newest])
        }
    }

    @Test("a schema newer than the program is refused")
    func refusesNewer() async throws {
        try await Migrated.with { migrated in
            let next = Migrator.newest + 1
            try await migrated.script(
                "INSERT INTO schema_migration (number, name, checksum) VALUES (\(next), 'later', 'x')")
            await #expect(throws: StoreError.newerSchema(found: next, known: Migrator.newest)) {
                try await migrated.pool.transaction { (connection) throws(StoreError) in
                    try Migrator(connection).migrate()
                }
            }
        }
    }

    @Test("a migration that was changed after it was applied is refused")
    func refusesChanged() async throws {
        try await Migrated.with { migrated in
            try await migrated.script("UPDATE schema_migration SET checksum = 'x' WHERE number = 1")
            await #expect(throws: StoreError.changedMigration("0001_create_registry")) {
                try await migrated.pool.transaction { (connection) throws(StoreError) in
                    try Migrator(connection).migrate()
                }
            }
        }
    }
}

@Suite("Schema")
struct SchemaTests {
    @Test("schema.sql is the sum of the migrations")
    func isSumOfMigrations() async throws {
        try await Migrated.with { migrated in
            let sum = try Self.dump(migrated.database)
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("migrations/schema.sql")
            if ProcessInfo.processInfo.environment["METAXY_WRITE_SCHEMA"] != nil {
                try sum.write(to: file, atomically: true, encoding: .utf8)
            }
            let readable = try String(contentsOf: file, encoding: .utf8)
            #expect(readable == sum)
            try await TestDatabase.with { database in
                let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
                try await pool.withConnection { (connection) throws(PostgresError) in try connection.script(readable) }
                await pool.close()
                #expect(try Self.dump(database) == sum)
            }
        }
    }

    /// What pg_dump says of a database's schema, without what differs from server to server.
    private static func dump(_ database: TestDatabase) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["pg_dump", "--schema-only", "--no-owner", "--no-privileges", database.connectionString]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let skipped = ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"]
        var lines: [Substring] = [
            "-- The schema: the sum of the migrations, as pg_dump writes it. Made by `make schema`.", "",
        ]
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        where !skipped.contains(where: { line.hasPrefix($0) }) && !(line.isEmpty && lines.last?.isEmpty == true) {
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }
}
