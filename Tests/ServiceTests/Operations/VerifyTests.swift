// The slow recomputation: it agrees with the incremental state, and finds what a hand has changed in it.

import Feature
import Postgres
import Service
import Store
import Testing

@Suite("Verify")
struct VerifyTests {
    private static let video = """
        {"key":"video/raw","id_columns":["id","part"],\
        "fields":[{"key":"audio","code_version":"1"},{"key":"x/a","code_version":"1"},{"key":"x-b","code_version":"1"}]}
        """
    private static let notes = """
        {"key":"notes","id_columns":["part","id"],"fields":[{"key":"text","code_version":"1"}]}
        """
    /// Every way in which a record becomes an input: renamed and reordered ids, filters on ids, metadata and versions,
    /// optional deps, groups, units of an expansion.
    private static let derived = [
        """
        {"key":"crop","id_columns":["part","id"],"deps":[{"feature":"video/raw"},{"feature":"notes","optional":true}],\
        "fields":[{"key":"c","code_version":"é|1"},{"key":"d","deps":[{"feature":"notes","fields":["text"]}]}]}
        """,
        """
        {"key":"swapped","id_columns":["id","part"],\
        "deps":[{"feature":"video/raw","rename":{"id":"part","part":"id"}}],"fields":[{"key":"s"}]}
        """,
        """
        {"key":"filtered","id_columns":["id","piece"],"deps":[{"feature":"video/raw",\
        "rename":{"part":"piece","length":"seconds"},"sql_filters":["piece >= 1 AND (seconds < 2.5 OR seconds IS NULL)",\
        "a.b IS NULL OR a.b <> 'no'","metaxy_data_version_by_field__video_raw.x_a <> '3'",\
        "metaxy_provenance__video_raw <> 'z'"]}],"fields":[{"key":"f"}]}
        """,
        """
        {"key":"groups","id_columns":["kind"],"deps":[{"feature":"video/raw",\
        "lineage":{"relationship":{"type":"N:1","on":["kind"]}},"sql_filters":["part IN (1, 2, 12345678901234567890123)"]}],\
        "fields":[{"key":"g"}]}
        """,
        """
        {"key":"either","id_columns":["part","id"],"deps":[{"feature":"crop","optional":true},\
        {"feature":"notes","optional":true}],"fields":[{"key":"e"}]}
        """,
        """
        {"key":"frames","id_columns":["n","id","part"],"deps":[{"feature":"video/raw",\
        "lineage":{"relationship":{"type":"1:N","on":["id","part"]}}}],"fields":[{"key":"i"}]}
        """,
    ]

    private static func video(_ id: String, _ part: String, _ columns: String, _ version: String) -> String {
        """
        {"id":\(id),"part":\(part)\(columns),\
        "metaxy_provenance_by_field":{"audio":"\(version)","x_a":"\(version)","x-b":"o"}}
        """
    }

    private static func note(_ id: String, _ part: String) -> String {
        #"{"id":\#(id),"part":\#(part),"metaxy_provenance_by_field":{"text":"t"}}"#
    }

    /// Ids of all kinds, metadata columns of all kinds.
    private static func fill(_ world: World) async throws {
        try await world.put(
            "video/raw", video("\"a\"", "1", #","length":2,"kind":"k""#, "1"),
            video("\"a\"", "2", #","length":2.5,"kind":"k","a":{"b":"no"}"#, "2"),
            video("\"é\"", "12345678901234567890123", #","seconds":1,"length":"x","kind":7"#, "3"),
            video("-5", "-12345678901234567890123", #","a.b":"no","a":{"b":"yes"},"kind":"k""#, "4"),
            video("true", "1", #","kind":null,"a":[1]"#, "5"),
            video("\"\"", "2", #","kind":"l","a":{"b":"yes"},"length":null"#, "6"))
        try await world.put(
            "notes", note("\"a\"", "1"), note("-5", "-12345678901234567890123"), note("\"new\"", "9"))
    }

    @Test(
        "the database and the process agree on every way in which records become inputs",
        arguments: [(HashAlgorithm.sha256, 32), (.sha256, 64), (.md5, 32), (.md5, 8), (.xxhash64, 20)])
    func agreement(algorithm: HashAlgorithm, truncation: Int) async throws {
        try await World.with { world in
            _ = try await world.metaxy.graph.configure(project: "p", algorithm: algorithm, truncation: truncation)
            try await world.push([Self.video, Self.notes] + Self.derived)
            try await Self.fill(world)
            #expect(try await world.mismatches() == [])
            for feature in ["crop", "swapped", "filtered", "groups", "either"] {
                #expect(try await world.work(feature).isEmpty == false, "\(feature) has nothing to do")
                #expect(try await world.mismatches() == [])
            }
            try await world.delete("crop", "id = 'a'")
            try await world.delete("video/raw", "part = 2")
            try await world.put("video/raw", Self.video("\"a\"", "1", #","length":3,"kind":"l""#, "7"))
            #expect(try await world.mismatches() == [])
        }
    }

    private static let chain = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"a"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"a"}]}"#,
    ]

    private static func damaged(_ algorithm: HashAlgorithm, by sql: String) async throws -> [String] {
        try await World.with { world in
            _ = try await world.metaxy.graph.configure(project: "p", algorithm: algorithm, truncation: 16)
            try await world.push(chain)
            try await world.write("root", (0..<5).map { ("r\($0)", ["a": "1"]) })
            #expect(try await world.work("leaf").count == 5)
            try await world.write("root", [("r4", ["a": "2"])])
            #expect(try await world.mismatches() == [])
            try await world.script(sql)
            return try await world.metaxy.operations.verify(nil).mismatches.map {
                "\($0.feature) \($0.key.map(world.ids) ?? ""): \($0.detail)"
            }
        }
    }

    private static let leaf = "(SELECT id FROM feature WHERE key = 'leaf')"

    @Test(
        "what a hand changes in the state is found, wherever the digest is computed",
        arguments: [
            (
                "UPDATE head SET provenance = '{x}' WHERE rid = 2 AND feature_id = \(leaf)",
                ["leaf r2: stale, but not a candidate"]
            ),
            (
                "UPDATE head SET data_version = '{x}' WHERE rid = 2 AND feature_id <> \(leaf)",
                ["leaf r2: stale, but not a candidate"]
            ),
            (
                "UPDATE work SET dirty = set_bit(dirty, 4, 0), active = false WHERE feature_id = \(leaf); DELETE FROM ready_block",
                ["leaf r4: stale, but not a candidate"]
            ),
            (
                """
                UPDATE work SET dirty = set_bit(dirty, 4, 0), parked = set_bit(parked, 4, 1)
                WHERE feature_id = \(leaf);
                DELETE FROM ready_block;
                """,
                ["leaf r4: stale, but parked although nothing blocks it"]
            ),
            (
                "UPDATE work SET leased = set_bit(leased, 4, 1) WHERE feature_id = \(leaf); DELETE FROM ready_block",
                ["leaf r4: leased, but no claim holds it"]
            ),
            (
                "UPDATE presence SET live = set_bit(live, 1, 0), gone = set_bit(gone, 1, 1) WHERE feature_id = \(leaf)",
                [
                    "leaf : 4 records are live, but 5 are counted",
                    "leaf r1: the presence bitmap disagrees with the head",
                ]
            ),
            (
                "DELETE FROM head WHERE rid = 3 AND feature_id = \(leaf)",
                [
                    "leaf r3: the presence bitmap disagrees with the head", "leaf r3: new, but not a candidate",
                ]
            ),
            (
                "UPDATE head SET key = '\\x01' WHERE rid = 1 AND feature_id = \(leaf)",
                ["leaf r1: the head has another key than the record"]
            ),
            (
                "DELETE FROM ready_block WHERE feature_id = \(leaf)",
                ["leaf : record ids 0 to 1023: not told right whether there is work"]
            ),
            (
                "UPDATE presence_count SET live = live + 1 WHERE feature_id = \(leaf)",
                ["leaf : 5 records are live, but 6 are counted"]
            ),
        ] as [(String, [String])])
    func damage(sql: String, mismatches: [String]) async throws {
        for algorithm in [HashAlgorithm.sha256, .md5, .xxhash32] {
            let found = try await Self.damaged(algorithm, by: sql)
            #expect(found == mismatches, "\(algorithm)")
        }
    }

    @Test("a link to another group is found")
    func links() async throws {
        try await World.with { world in
            try await world.push([Self.video, Self.notes] + Self.derived)
            try await Self.fill(world)
            try await world.script("UPDATE link SET unit = unit + 1 WHERE rid = 1")
            let found = try await world.mismatches()
            let record = "video/raw -5,-12345678901234567890123"
            #expect(found.contains("\(record): linked to another group of groups than its columns say"), "\(found)")
        }
    }

    @Test("ranges are looked through one after another, and counted")
    func ranges() async throws {
        try await World.with { world in
            try await world.push(Self.chain)
            let rows = (0..<3_000).map { ("r\($0)", ["a": "\($0)"]) }
            try await world.write("root", rows)
            // Far apart, as where most records belong to other features of the id space.
            try await world.script("SELECT setval('record_1_sequence', 200000, false)")
            try await world.write("root", rows.map { ("s\($0.0)", $0.1) })
            #expect(try await world.work("leaf", limit: 10_000).count == 6_000)
            let outcome = try await world.metaxy.operations.verify(nil)
            #expect(outcome.checked == 12_000)
            #expect(outcome.mismatchCount == 0)
            try await world.script(
                "UPDATE head SET provenance = '{x}' WHERE rid >= 200000 AND feature_id = \(Self.leaf)")
            let damaged = try await world.metaxy.operations.verify(FeatureKey("leaf"))
            #expect(damaged.checked == 6_000)
            #expect(damaged.mismatchCount == 3_000)
            #expect(damaged.mismatches.count == TransactionLimits.faultsMax)
        }
    }

    @Test("a cancelled verification stops and leaves its connection to others")
    func cancellation() async throws {
        try await World.with(connections: 1) { world in
            try await world.push(Self.chain)
            try await world.write("root", [("r", ["a": "1"])])
            let metaxy = world.metaxy
            let verification = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await metaxy.operations.verify(nil)
            }
            await #expect(throws: ServiceError.cancelled) { try await verification.value }
            #expect(try await world.mismatches() == [])
        }
    }
}
