// Lineage cannot be changed, not even by the service itself.

import Feature
import Postgres
import Testing

@testable import Store

@Suite("Lineage is append-only")
struct AppendOnlyTests {
    private static let attempts = [
        "UPDATE lineage SET kind = 0", "DELETE FROM lineage", "TRUNCATE lineage",
        "UPDATE lineage_1 SET metadata = '{}'", "DELETE FROM lineage_1", "TRUNCATE lineage_1",
        "UPDATE lineage_1_0 SET provenance = NULL", "DELETE FROM lineage_1_0", "TRUNCATE lineage_1_0",
    ]

    @Test("the service's role may not update, delete or truncate", arguments: attempts)
    func isRefused(sql: String) async throws {
        try await Self.withLineage { migrated in
            #expect(await Self.refusal(migrated, sql)?.sqlState == .insufficientPrivilege)
            let count = try await migrated.texts("SELECT count(*)::text FROM lineage")
            #expect(count == ["1"])
        }
    }

    @Test(
        "a role that has the privilege is refused by the trigger",
        arguments: attempts.filter { !$0.contains("TRUNCATE") })
    func isRefusedByTrigger(sql: String) async throws {
        try await Self.withLineage { migrated in
            try await migrated.script("GRANT UPDATE, DELETE ON lineage, lineage_1, lineage_1_0 TO CURRENT_USER")
            #expect(await Self.refusal(migrated, sql)?.message.contains("append-only") == true)
        }
    }

    @Test("an erasure empties the payload of its records' versions, and is noted")
    func erasure() async throws {
        try await Self.withLineage { migrated in
            try await migrated.script("SELECT erase_records(1, ARRAY[0::bigint], 99)")
            let left = try await migrated.texts(
                "SELECT kind || ' ' || (provenance IS NULL AND data_version IS NULL AND metadata IS NULL) FROM lineage")
            #expect(left == ["0 true"])
            let noted = try await migrated.texts("SELECT rid || ' ' || operation_id || ' ' || entries FROM erasure")
            #expect(noted == ["0 99 1"])
            for sql in ["UPDATE erasure SET entries = 0", "DELETE FROM erasure", "TRUNCATE erasure"] {
                #expect(await Self.refusal(migrated, sql)?.sqlState == .insufficientPrivilege)
            }
        }
    }

    @Test(
        "whoever may empty payloads may not without the note, in another transaction, or with more than that",
        arguments: [
            "UPDATE lineage SET provenance = NULL, data_version = NULL, metadata = NULL",
            "SELECT erase_records(1, ARRAY[1::bigint], 99); "
                + "UPDATE lineage SET provenance = NULL, data_version = NULL, metadata = NULL",
            "SELECT erase_records(1, ARRAY[0::bigint], 1); UPDATE lineage SET metadata = '{}'",
            "SELECT erase_records(1, ARRAY[0::bigint], 1); UPDATE lineage SET metadata = NULL",
        ])
    func isRefusedWithoutNote(sql: String) async throws {
        try await Self.withLineage { migrated in
            #expect(await Self.refusal(migrated, "BEGIN; \(sql); COMMIT")?.message.contains("append-only") == true)
            try await migrated.script("ROLLBACK")
            #expect(try await migrated.texts("SELECT provenance[1] FROM lineage") == ["x"])
        }
    }

    /// What the database answers to a statement that it refuses; nil where it carries it out.
    private static func refusal(_ migrated: Migrated, _ sql: String) async -> PostgresError? {
        do {
            try await migrated.script(sql)
            return nil
        } catch {
            return error as? PostgresError
        }
    }

    /// A database with one feature that has one lineage entry.
    private static func withLineage(_ body: (Migrated) async throws -> Void) async throws {
        try await Migrated.with { migrated in
            try await migrated.pool.transaction { (connection) throws(StoreError) in
                try FeatureStorage(connection).createFeature(1)
                let operation = try ChangeLog(connection).begin(Writer(), LoggedChange(.recordsWritten))
                try LineageAppend(connection, WriteAccess(feature: 1)).append(
                    [
                        LineageVersion(
                            record: 0, kind: .written, provenance: ["x"], dataVersions: nil, parents: [],
                            metadata: Array("{}".utf8))
                    ], fresh: [0], definition: 1, slots: 1, operation: operation)
            }
            try await body(migrated)
        }
    }
}
