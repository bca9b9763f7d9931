// The database of simulated runs, and its clock.

import Feature
import Postgres
import Service
import Store
import Synchronization

/// A database with a root and two features below it, on which runs follow each other.
final class SimulationRig: Sendable {
    /// A result in the lineage.
    struct Entry: Sendable {
        let mark: String
        /// The data version of its parent.
        let input: String
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
    private let shape: RowShape
    private let clock = Mutex(Clock())

    /// A rig over a fresh database.
    init(_ world: World) async throws {
        self.world = world
        try await world.push(Self.specs)
        guard let key = FeatureKey("given") else { throw SimulationError(detail: "given is no key") }
        shape = try await world.metaxy.shape(of: key)
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
        try await world.pool.transaction { (connection) throws(PostgresError) in
            _ = try connection.query(Self.advanceClaimsStatement, [.int8(Int64(passed))])
            _ = try connection.query(Self.advanceFailuresStatement, [.int8(Int64(passed))])
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
        _ = try await server.write(rows, shape: shape, writer: Writer())
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

    /// The present data version of each record's input.
    func inputs(of feature: String, _ records: [RecordID]) async throws -> [String] {
        let upstream = Self.upstream[feature] ?? ""
        let found = try await world.pool.withConnection { (connection) throws(PostgresError) -> [RecordID: String] in
            var found: [RecordID: String] = [:]
            let rows = try connection.query(Self.inputsStatement, [.text(upstream), .int8Array(records)])
            for row in rows { found[try row.int8(0)] = try row.text(1) }
            return found
        }
        return records.map { found[$0] ?? "nothing" }
    }

    /// Results that came into the lineage since this was last asked: current at once, or too late.
    func takeEntries() async throws -> [Entry] {
        let since = clock.withLock(\.entry)
        let (entries, last) = try await world.pool.withConnection {
            (connection) throws(PostgresError) -> ([Entry], Int64) in
            var (entries, last): ([Entry], Int64) = ([], since)
            for row in try connection.query(Self.entriesStatement, [.int8(since)]) {
                last = max(last, try row.int8(0))
                entries.append(Entry(mark: try row.text(1), input: try row.text(2)))
            }
            return (entries, last)
        }
        clock.withLock { $0.entry = last }
        return entries
    }

    private static let advanceClaimsStatement = Statement(
        "simulation_advance_claims",
        "UPDATE claim SET lease_until = lease_until - make_interval(secs => $1 / 1000.0) WHERE state = 0")
    private static let advanceFailuresStatement = Statement(
        "simulation_advance_failures", "UPDATE failure SET retry_at = retry_at - make_interval(secs => $1 / 1000.0)")
    private static let timeStatement = Statement("simulation_time", "SELECT clock_timestamp()")
    private static let inputsStatement = Statement(
        "simulation_inputs",
        """
        SELECT h.rid, coalesce(h.data_version[1], h.provenance[1])
        FROM head h JOIN feature f ON f.id = h.feature_id
        WHERE f.key = $1 AND h.rid = ANY ($2)
        """)
    private static let entriesStatement = Statement(
        "simulation_entries",
        """
        SELECT l.entry, l.metadata ->> 'mark', coalesce(p.data_version[1], p.provenance[1])
        FROM lineage l JOIN lineage p ON p.entry = l.parents[1]
        WHERE l.entry > $1 AND l.kind IN (1, 6)
        ORDER BY l.entry
        """)
}
