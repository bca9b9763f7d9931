// The database of simulated runs, and its clock.

import Feature
import Postgres
import Service
import Store
import Synchronization

/// A database with a root and two features below it, on which runs follow each other.
final class SimulationRig: Sendable {
    /// A version in the lineage.
    struct Entry: Sendable {
        let number: Int64
        let feature: String
        let record: RecordID
        let kind: LineageKind
        /// The mark of a result or of a direct write; nil for others.
        let mark: String?
        /// The data version of its parent.
        let input: String
    }

    /// What a unit was handed out with.
    struct Standing: Sendable {
        /// The data version of its input.
        let input: String
        /// Its latest entry; 0 for none.
        let base: Int64
    }

    private struct Clock {
        /// By how much simulated time is ahead of the database's, in microseconds.
        var shift: Int64 = 0
        /// Simulated time of the run that was last told, in milliseconds.
        var now = 0
        /// The last lineage entry that was taken.
        var entry: Int64 = 0
    }

    private static let specs = [
        #"{"key":"given","id_columns":["id"],"fields":[{"key":"a"}]}"#,
        #"{"key":"made","id_columns":["id"],"deps":[{"feature":"given"}],"fields":[{"key":"a"}]}"#,
        #"{"key":"joined","id_columns":["id"],"deps":[{"feature":"made"}],"fields":[{"key":"a"}]}"#,
    ]
    private static let upstream = ["made": "given", "joined": "made"]

    let world: World
    private let shapes: [String: RowShape]
    private let clock = Mutex(Clock())

    /// A rig over a fresh database.
    init(_ world: World) async throws {
        self.world = world
        try await world.push(Self.specs)
        var shapes: [String: RowShape] = [:]
        for feature in ["given", "made"] {
            guard let key = FeatureKey(feature) else { throw SimulationError(detail: "\(feature) is no key") }
            shapes[feature] = try await world.metaxy.records.shape(of: key)
        }
        self.shapes = shapes
    }

    /// A process that has just started: it knows nothing.
    func server() -> Metaxy {
        Metaxy(pool: world.pool, random: { 0.5 })
    }

    /// A run begins.
    func begin() {
        clock.withLock { $0.now = 0 }
    }

    /// Lets the database's clock follow: what it compares with its clock moves into the past.
    func advance(to now: Int) async throws {
        let passed = clock.withLock { clock in
            let passed = now - clock.now
            clock.now = now
            clock.shift += Int64(passed) * 1_000
            return passed
        }
        guard passed > 0 else { return }
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            _ = try connection.query(Self.advanceStatement, [.int8(Int64(passed))])
        }
    }

    /// A time of the database as simulated time, in microseconds.
    func simulated(_ time: Int64) -> Int64 {
        time + clock.withLock(\.shift)
    }

    /// The simulated time.
    func time() async throws -> Int64 {
        let rows = try await world.pool.withConnection { (connection) throws(PostgresError) -> [Int64] in
            var times: [Int64] = []
            for row in try connection.query(Self.timeStatement, []) { times.append(try row.timestamp(0)) }
            return times
        }
        return simulated(rows.first ?? 0)
    }

    /// Writes records of the root.
    func write(_ ids: [String], _ value: String, to server: Metaxy) async throws {
        let rows = ids.enumerated().map { index, id in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.string(id)]), metadata: Array("{}".utf8),
                provenance: ["a": value], dataVersions: nil)
        }
        try await write(rows, of: "given", to: server)
    }

    /// Writes results without a claim.
    func overwrite(_ marks: [String: String], to server: Metaxy) async throws {
        try await write(rows(marks), of: "made", to: server)
    }

    private func write(_ rows: [RecordRow], of feature: String, to server: Metaxy) async throws {
        guard let shape = shapes[feature] else { throw SimulationError(detail: "\(feature) is not written") }
        _ = try await server.put(rows, shape: shape, writer: Writer())
    }

    /// Results for ids, each with its mark as its data version.
    func rows(_ marks: [String: String]) -> [RecordRow] {
        marks.sorted { $0.key < $1.key }.enumerated().map { index, result in
            RecordRow(
                place: .line(index + 1), key: RecordKey([.string(result.key)]),
                metadata: Array(#"{"mark":"\#(result.value)"}"#.utf8), provenance: nil,
                dataVersions: ["a": result.value])
        }
    }

    /// How each record of a feature stands.
    func standings(of feature: String, _ records: [RecordID]) async throws -> [Standing] {
        let parameters: [Parameter] = [.text(Self.upstream[feature] ?? ""), .text(feature), .int8Array(records)]
        let found = try await world.pool.withConnection { (connection) throws(PostgresError) in
            var found: [RecordID: Standing] = [:]
            for row in try connection.query(Self.standingsStatement, parameters) {
                found[try row.int8(0)] = Standing(input: try row.text(1), base: try row.int8(2))
            }
            return found
        }
        return records.map { found[$0] ?? Standing(input: "nothing", base: 0) }
    }

    /// Versions of derived records that came into the lineage since this was last asked, in their order.
    func takeEntries() async throws -> [Entry] {
        let since = clock.withLock(\.entry)
        let entries = try await world.pool.withConnection { (connection) throws(PostgresError) in
            var entries: [Entry] = []
            for row in try connection.query(Self.entriesStatement, [.int8(since)]) {
                guard let kind = LineageKind(rawValue: try row.int2(3)) else { continue }
                entries.append(
                    Entry(
                        number: try row.int8(0), feature: try row.text(1), record: try row.int8(2), kind: kind,
                        mark: try row.textOrNil(4), input: try row.text(5)))
            }
            return entries
        }
        clock.withLock { $0.entry = max(since, entries.last?.number ?? 0) }
        return entries
    }

    private static let advanceStatement = Statement(
        "simulation_advance",
        """
        WITH claims AS (
            UPDATE claim SET lease_until = lease_until - make_interval(secs => $1 / 1000.0) WHERE state = 0
        )
        UPDATE failure SET retry_at = retry_at - make_interval(secs => $1 / 1000.0)
        """)
    private static let timeStatement = Statement("simulation_time", "SELECT clock_timestamp()")
    private static let standingsStatement = Statement(
        "simulation_standings",
        """
        SELECT i.rid, coalesce(i.data_version[1], i.provenance[1]), coalesce(h.entry, 0)
        FROM head i JOIN feature f ON f.id = i.feature_id AND f.key = $1
        LEFT JOIN head h ON h.rid = i.rid AND h.feature_id = (SELECT id FROM feature WHERE key = $2)
        WHERE i.rid = ANY ($3)
        """)
    private static let entriesStatement = Statement(
        "simulation_entries",
        """
        SELECT l.entry, f.key, l.rid, l.kind, l.metadata ->> 'mark', coalesce(p.data_version[1], p.provenance[1])
        FROM lineage l JOIN feature f ON f.id = l.feature_id JOIN lineage p ON p.entry = l.parents[1]
        WHERE l.entry > $1 ORDER BY l.entry
        """)
}
