// Versions in bulk: the same, however many come together.

import Feature
import Postgres
import Testing

@testable import Store

@Suite("Versions in bulk")
struct LineageAppendTests {
    @Test("what is written at once is what is written piece by piece", arguments: 0..<12)
    func pieces(shape: Int) async throws {
        try await Migrated.with { migrated in
            for feature: FeatureID in [1, 2] { try await Self.create(feature, migrated) }
            // The second version of a record finds two of three heads there.
            for (round, records) in [(0, (0..<1_000).filter { $0 % 3 > 0 }), (1, Array(0..<1_000))] {
                for (feature, size) in [(FeatureID(1), LineageAppend.copiedMin - 1), (2, records.count)] {
                    for start in stride(from: 0, to: records.count, by: size) {
                        let piece = records[start..<min(start + size, records.count)]
                        try await Self.append(Self.columns(piece, round, shape), to: feature, migrated)
                    }
                }
                let rows = try await Self.rows(migrated, 1)
                // Of lineage and heads: 666 of the first round, 1,000 of the second.
                let count = [2 * 666, 666 + 2 * 1_000][round]
                #expect(rows.count == count)
                #expect(try await Self.rows(migrated, 2) == rows)
                // Those of one in ten are too long.
                let keys = try await migrated.texts("SELECT count(key)::text FROM head_1")
                #expect(keys == [["600", "900"][round]])
            }
        }
    }

    @Test("whoever has numbers for entries keeps the table that these belong into from being closed")
    func locks() async throws {
        try await Migrated.with { migrated in
            try await Self.create(1, migrated)
            let locks = try await migrated.pool.transaction { (connection) throws(StoreError) -> Int? in
                #expect(try LineageAppend(connection, WriteAccess(feature: 1)).draw(3).entries.count == 3)
                let held = Statement(
                    "held",
                    """
                    SELECT count(*) FROM pg_locks
                    WHERE pid = pg_backend_pid() AND relation = 'lineage_1'::regclass AND mode = 'RowExclusiveLock'
                    """)
                return try connection.row(held) { row throws(PostgresError) in Int(try row.int8(0)) }
            }
            #expect(locks == 1)
            #expect(try await migrated.texts("SELECT count(*)::text FROM lineage") == ["0"])
        }
    }

    private static func create(_ feature: FeatureID, _ migrated: Migrated) async throws {
        try await migrated.pool.transaction { (connection) throws(StoreError) in
            try FeatureStorage(connection).createFeature(feature)
        }
    }

    private static func append(_ columns: VersionColumns, to feature: FeatureID, _ migrated: Migrated) async throws {
        try await migrated.pool.transaction { (connection) throws(StoreError) in
            try LineageAppend(connection, WriteAccess(feature: feature)).append(
                columns, kind: .computed, definition: 7, operations: [3])
        }
    }

    /// Versions in one of twelve shapes: with one to three slots, some NULL, with and without parents, fingerprints and data
    /// versions of their own.
    private static func columns(_ records: ArraySlice<Int>, _ round: Int, _ shape: Int) -> VersionColumns {
        let slots = 1 + shape % 3
        var columns = VersionColumns(
            records: records.map(Int64.init), isFresh: records.map { round == 0 || $0 % 3 == 0 },
            fingerprints: ByteColumn(), metadata: ByteColumn(),
            provenance: Array(repeating: ByteColumn(), count: slots),
            isOverridden: records.map { shape % 4 > 1 && ($0 + shape) % 5 == 0 },
            dataVersions: Array(repeating: ByteColumn(), count: slots),
            parents: (0..<shape % 3).map { dep in records.map { Int64(($0 + dep) % 4 == 0 ? 0 : $0 * 10 + dep) } })
        for record in records {
            columns.appendKey(round == 0 || record % 3 == 0 ? key(record) : nil)
            if shape % 2 == 0 {
                columns.fingerprints.append(Array("\(record + 1_000_000_000_000_000 + round)".utf8))
            }
            columns.metadata.append(Array(#"{"size": \#(record), "name": "é\#(round)"}"#.utf8))
            for slot in 0..<slots {
                let isNull = slot > 0 && (record + slot) % 4 == 0
                if isNull {
                    columns.provenance[slot].appendNull()
                    columns.dataVersions[slot].appendNull()
                } else {
                    columns.provenance[slot].append(Array("p\(record)-\(slot)-\(round)".utf8))
                    columns.dataVersions[slot].append(Array("d\(record)-\(slot)-\(round)".utf8))
                }
            }
        }
        return columns
    }

    /// One of ten is too long to be kept.
    private static func key(_ record: Int) -> [UInt8] {
        let count = record % 10 == 0 ? VersionColumns.keptKeyBytesMax + 1 : 1 + record % 20
        return Array(repeating: UInt8(record % 250 + 1), count: count)
    }

    /// Everything that is stored of a feature but its number, with entries counted from its first.
    private static func rows(_ migrated: Migrated, _ feature: FeatureID) async throws -> [String] {
        try await migrated.texts(
            """
            WITH entries AS (SELECT *, row_number() OVER (ORDER BY entry) AS place FROM lineage_\(feature))
            SELECT (to_jsonb(e) - '{entry,feature_id,written_at}'::text[])::text FROM entries e
            UNION ALL
            SELECT ((to_jsonb(h) - '{entry,feature_id}'::text[]) || to_jsonb(e.place))::text
            FROM head_\(feature) h LEFT JOIN entries e ON e.entry = h.entry AND e.rid = h.rid
            ORDER BY 1
            """)
    }
}
