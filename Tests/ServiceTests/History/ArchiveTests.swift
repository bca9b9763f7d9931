// Export and import: all of it comes back, or none.

import Feature
import JSON
import Postgres
import Service
import Store
import Testing

@Suite("Archives", .serialized)
struct ArchiveTests {
    private static let graph = [
        #"{"key":"video","id_columns":["id"],"fields":[{"key":"frames","code_version":"1"},{"key":"audio","code_version":"1"}]}"#,
        #"{"key":"crop","id_columns":["id"],"deps":[{"feature":"video"}],"fields":[{"key":"c","code_version":"1"}]}"#,
        """
        {"key":"frames","id_columns":["n","video"],"deps":[{"feature":"video","rename":{"id":"video"},\
        "lineage":{"relationship":{"type":"1:N","on":["video"]}}}],"fields":[{"key":"img","code_version":"1"}]}
        """,
        """
        {"key":"best","id_columns":["video"],"deps":[{"feature":"frames","lineage":{"relationship":{"type":"N:1"}}}],\
        "fields":[{"key":"b","code_version":"1"}]}
        """,
    ]

    private static func video(_ id: String, _ version: String = "1", more: String = "") -> String {
        #"{"id":"\#(id)",\#(more)"metaxy_provenance_by_field":{"frames":"\#(version)","audio":"1"}}"#
    }

    /// A world with something in every table, and a claim that a worker holds.
    private static func filled(_ body: (World, ClaimedBatch) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push(graph)
            try await world.put(
                "video", video("a", more: #""path":"ä \n\"\\ 1.0","size":1.50,"#), video("b"), video("c"), video("d"))
            try await world.work("crop")
            let batch = try #require(try await world.claim("frames"))
            let units = batch.records.enumerated().map { index, record in
                let child = RecordRow(
                    place: .pointer("/units/\(index)/records/0"), key: RecordKey([.integer(1)] + record.key.values),
                    metadata: Array("{}".utf8), provenance: nil, dataVersions: nil)
                return UnitResult(place: .pointer("/units/\(index)"), key: record.key, records: [child])
            }
            _ = try await world.metaxy.claims.complete(
                claim: batch.claim.id, token: batch.claim.token, units: units, writer: Writer(worker: "w"))
            try await world.work("best")
            try await world.put("video", video("a", "2"), video("c", "2"), video("d", "2"))
            try await world.delete("video", "id = 'b'")
            try await world.delete("video", "id = 'd'")
            _ = try await world.metaxy.records.erase(
                try #require(FeatureKey("video")), filters: [try Filter("id = 'd'")], isDryRun: false,
                writer: Writer(token: "t"))
            try await world.script("UPDATE feed_horizon SET at = now(), position = 3, operation_id = 1")
            try await world.script("INSERT INTO lineage_horizon (feature_id, at, entry) VALUES (1, now(), 2)")
            _ = try await world.metaxy.tokens.create(TokenRequest(name: "reader", scopes: [.read]))
            var settings = DispatchSettings.standard
            settings.orderBy = "path"
            _ = try await world.metaxy.graph.configure(
                dispatch: try #require(FeatureKey("crop")), settings, expected: nil)
            let failing = try #require(try await world.claim("crop", limit: 1))
            _ = try await world.metaxy.claims.fail(
                claim: failing.claim.id, token: failing.claim.token,
                report: FailureReport(records: nil, error: "no luck", isRetryable: false))
            try await body(world, try #require(try await world.claim("crop", limit: 1)))
        }
    }

    /// The lines of an archive but those that the numbers of a database show in: sequences and the end.
    private static func rows(_ archive: [UInt8]) -> [String] {
        String(decoding: archive, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.contains("_sequence\"") && !$0.contains("_seq\"") && !$0.hasPrefix(#"{"metaxy":"end""#) }
    }

    @Test("what was exported and imported is exported as the same again, answers the same, and is right")
    func roundTrip() async throws {
        try await Self.filled { world, held in
            let archive = try await world.archive()
            let answers = try await world.answers()
            #expect(answers.count > 20)
            try await World.with { other in
                try await other.restore(archive)
                #expect(Self.rows(try await other.archive()) == Self.rows(archive))
                #expect(try await other.mismatches() == [])
                #expect(try await other.answers() == answers)
                let settings = try await other.metaxy.graph.dispatch(of: try #require(FeatureKey("crop"))).stored
                    .settings
                #expect(settings.orderBy == "path")
                #expect(try await other.candidates() == (try await world.candidates()))
                await #expect(throws: ServiceError.self) { try await other.complete(held) }
                let again = try #require(try await other.claim("crop"))
                #expect(again.records.map(\.key).contains(held.records[0].key))
                #expect(again.claim.token > held.claim.token + 1 << 32 - 1 && again.claim.id > held.claim.id)
                try await other.complete(again)
                try await other.put("video", Self.video("new"))
                try await other.work("crop")
                #expect(try await other.mismatches() == [])
            }
            try await world.complete(held)
        }
    }

    @Test("whatever state the main job leaves behind is imported as it was", arguments: [UInt64(0), 3, 5, 8, 11])
    func random(seed: UInt64) async throws {
        try await ModelRig.with { rig in
            let found = try await ModelRun.run(rig, seed: seed, steps: Array(0..<8))
            #expect(found == nil, "METAXY_SEED=\(seed)")
            let archive = try await rig.world.archive()
            let answers = try await rig.world.answers()
            try await World.with { other in
                try await other.restore(archive, piecesOf: 1 << 16)
                #expect(Self.rows(try await other.archive()) == Self.rows(archive), "METAXY_SEED=\(seed)")
                #expect(try await other.mismatches() == [], "METAXY_SEED=\(seed)")
                #expect(try await other.answers() == answers, "METAXY_SEED=\(seed)")
            }
        }
    }

    @Test("an archive that is cut anywhere is refused, and nothing of it stays")
    func cut() async throws {
        try await Self.filled { world, _ in
            let archive = try await world.archive()
            let ends = archive.indices.filter { archive[$0] == UInt8(ascii: "\n") }
            var random = SeededRandom(seed: 7)
            let inside = (0..<10).map { _ in random.below(archive.count) }
            try await World.with { other in
                let lines = ends.dropLast().enumerated().filter { $0.offset % 3 == 0 }.map { $0.element + 1 }
                for length in [0, archive.count - 1] + lines + inside {
                    #expect(await other.refusal(ofArchive: Array(archive[..<length])) == .cut, "cut at \(length)")
                }
                let token = try await other.pool.withConnection { (connection) throws(PostgresError) in
                    try connection.query(Statement("peek", "SELECT is_called FROM fencing_token_sequence"))
                        .single().bool(0)
                }
                #expect(!token, "a sequence has moved")
                try await other.restore(archive)
                #expect(try await other.mismatches() == [])
            }
        }
    }

    @Test("an archive that was changed in a line is refused")
    func damage() async throws {
        try await Self.filled { world, _ in
            let archive = try await world.archive()
            var random = SeededRandom(seed: 11)
            var lineStart = 0
            try await World.with { other in
                var line = 0
                while let end = archive[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
                    line += 1
                    // Every third, the first and the last: each attempt makes the tables anew.
                    guard line % 3 == 1 || end == archive.count - 1 else {
                        lineStart = end + 1
                        continue
                    }
                    var changed = archive
                    let digits = (lineStart..<end).filter {
                        (UInt8(ascii: "0")...UInt8(ascii: "8")).contains(archive[$0])
                    }
                    let place = digits.isEmpty ? lineStart + random.below(end - lineStart) : random.pick(digits)
                    changed[place] += 1
                    #expect(await other.refusal(ofArchive: changed) != nil, "seed 11, byte \(place)")
                    lineStart = end + 1
                }
                #expect(await other.refusal(ofArchive: archive + Array("{}\n".utf8)) != nil)
                #expect(await other.refusal(ofArchive: Array("no archive\n".utf8)) != nil)
                #expect(await other.refusal(ofArchive: archive) == nil)
            }
        }
    }

    @Test("a database that has anything refuses an archive; so does one at another schema")
    func refused() async throws {
        try await Self.filled { world, _ in
            let archive = try await world.archive()
            let refusal = await world.refusal(ofArchive: archive)
            #expect(
                refusal == .notEmpty(["id_space", "project", "feature", "push", "claim", "operation", "api_token"]))
            let text = String(decoding: archive, as: UTF8.self)
            let newest = Migrator.newest
            let newer = text.replacing("\"schema\":\(newest)", with: "\"schema\":\(newest + 1)", maxReplacements: 1)
            try await World.with { other in
                #expect(
                    await other.refusal(ofArchive: Array(newer.utf8))
                        == .otherSchema(archive: Int64(newest) + 1, database: newest))
                try await other.restore(archive)
                #expect(await other.refusal(ofArchive: archive) == refusal)
            }
        }
    }

    @Test("every table is in an archive, but secrets and what is kept for a day; no secret is")
    func complete() async throws {
        let absent: Set = ["answer", "api_token_secret", "claim_batch", "lineage_part", "schema_migration"]
        try await Self.filled { world, _ in
            let secret = try await world.metaxy.tokens.create(TokenRequest(name: "writer", scopes: [.write])).secret
            let tables = try await world.pool.withConnection { (connection) throws(StoreError) in
                do throws(PostgresError) {
                    return try connection.query(Statement("tables", Self.tables)).map { row throws(PostgresError) in
                        try row.text(0)
                    }
                } catch {
                    throw StoreError(error)
                }
            }
            let text = String(decoding: try await world.archive(), as: UTF8.self)
            for table in tables {
                #expect(
                    text.contains("{\"metaxy\":\"section\",\"name\":\"\(table)\"") != absent.contains(table), "\(table)"
                )
            }
            #expect(text.contains("\"writer\"") && !text.contains(secret.text))
        }
    }

    private static let tables = """
        SELECT relname::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        """
}
