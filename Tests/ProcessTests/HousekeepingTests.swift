// What a server does by itself.

import JSON
import Postgres
import TestSupport
import Testing

@Suite("Housekeeping", .serialized)
struct HousekeepingTests {
    @Test("a server tells no more of changes that are older than its event-retention-days")
    func eventRetention() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            func server(_ days: Int) async throws -> ServerProcess {
                try ServerProcess(
                    database: database.connectionString, dataDirectory: try TestDirectory.create(),
                    options: ["--event-retention-days", "\(days)"])
            }
            // Changes of three days ago and of now.
            #expect(try await server(0).stop() == 0)
            for age in ["3 days", "0"] {
                try await pool.withConnection { (connection) throws(PostgresError) in
                    try connection.script(
                        """
                        INSERT INTO operation (at, position, kind, detail)
                        SELECT now() - interval '\(age)', feed_base + pg_current_xact_id()::text::bigint, 'drained', '{}'
                        FROM registry
                        """)
                }
            }
            // Once no transaction of before runs any more, the first round of the server passes both over.
            let isComplete = Statement(
                "test_complete",
                """
                SELECT max(position) < min(feed_base) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                FROM operation, registry
                """)
            while try await !pool.withConnection({ (connection) throws(PostgresError) -> Bool in
                try connection.query(isComplete).single().bool(0)
            }) {}
            await pool.close()
            let second = try await server(2)
            while true {
                let feed = try await second.send("GET", "/v1/events").json
                guard feed["horizon"]?.stringValue != nil else { continue }
                #expect(feed["events"]?.arrayValue?.count == 1)
                break
            }
            #expect(second.stop() == 0)
        }
    }
}
