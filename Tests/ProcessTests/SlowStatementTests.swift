// The log of slow statements, as the program writes it.

import Foundation
import JSON
import Postgres
import TestSupport
import Testing

@Suite("Slow statements", .serialized)
struct SlowStatementTests {
    private static let limitMilliseconds = 1_500
    private static let graph = """
        {"project":"p","features":[
        {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}}]}
        """

    private static func rows(_ secret: String) -> String {
        #"{"records":[{"id":"\#(secret)","path":"\#(secret)","metaxy_provenance_by_field":{"x":"\#(secret)"}}]}"#
    }

    /// Keeps every write of `server` waiting for longer than the limit, at the log of changes.
    private static func holdUp(
        _ database: TestDatabase, _ write: @escaping @Sendable () async throws -> Int
    ) async throws -> Int {
        var configuration = PoolConfiguration(connectionString: database.administratorConnectionString, size: 1)
        configuration.statementTimeout = nil
        let pool = Pool(configuration)
        let (held, signal) = AsyncStream.makeStream(of: Void.self)
        async let holding: Void = pool.transaction { (connection) throws(PostgresError) in
            try connection.script("LOCK TABLE operation IN EXCLUSIVE MODE")
            signal.finish()
            // The database says how long somebody has waited for the lock: nothing here depends on the machine's speed.
            let waited = Statement(
                "test_waited",
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                    AND clock_timestamp() - query_start > make_interval(secs => 2 * \(limitMilliseconds) / 1000.0)
                """)
            let again = Statement("test_again", "SELECT pg_stat_clear_snapshot()")
            while try connection.query(waited).first?.int8(0) == 0 { try connection.execute(again) }
        }
        for await _ in held {}
        let status = try await write()
        try await holding
        await pool.close()
        return status
    }

    @Test("a slow statement is in the log by its name, with how long it took and the request's id; its values are not")
    func slow() async throws {
        try await TestDatabase.with { database in
            let log = try TestDirectory.create() + "/log"
            let server = try ServerProcess(
                database: database.connectionString, dataDirectory: try TestDirectory.create(),
                options: ["--slow-statement-ms", "\(Self.limitMilliseconds)", "--log-level", "debug"], log: log)
            #expect(try await server.send("POST", "/v1/push", Self.graph).status == 201)
            let url = server.url + "/v1/records/root?materialization_id=sesame"
            func write(_ id: String, _ secret: String) -> @Sendable () async throws -> Int {
                { try await HTTPClient.send("POST", url, Self.rows(secret), type: "application/json", id: id).status }
            }
            #expect(try await write("fast-1", "mustard")() == 200)
            #expect(try await Self.holdUp(database, write("slow-1", "sesame")) == 200)
            #expect(try await write("fast-2", "pepper")() == 200)
            #expect(server.stop() == 0)
            let text = try String(contentsOfFile: log, encoding: .utf8)
            let lines = try text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            let told = lines.filter { $0["message"]?.stringValue == "slow statements" }
            #expect(told.compactMap { $0["request_id"]?.stringValue } == ["slow-1"], "\(told)")
            let line = try #require(told.first { $0["request_id"] != nil })
            #expect(line["level"]?.stringValue == "warning")
            #expect(line["statements"]?.arrayValue?.contains(.string("operation_note")) == true)
            guard case .double(let seconds)? = line["seconds"] else {
                Issue.record("no duration in \(line)")
                return
            }
            #expect(seconds > Double(Self.limitMilliseconds) / 1_000)
            for secret in ["sesame", "mustard", "pepper", "INSERT", "SELECT"] {
                #expect(!text.contains(secret), "\(secret)")
            }
        }
    }
}
