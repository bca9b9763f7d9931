// Connections that die: by an administrator, and with their server.

import Postgres
import TestSupport
import Testing

@Suite struct ReconnectTests {
    private func terminate(_ backend: Int32, _ database: TestDatabase) async throws {
        let administrator = Pool(PoolConfiguration(connectionString: database.administratorConnectionString, size: 1))
        let rows = try await administrator.rows("SELECT pg_terminate_backend($1, 5000)", [.int4(backend)])
        #expect(try rows.single().bool(0))
        await administrator.close()
    }

    @Test func an_idle_connection_that_was_ended_is_replaced_unnoticed() async throws {
        try await withPool(size: 1) { pool, database in
            let first = try await pool.backend()
            try await terminate(first, database)
            let second = try await pool.backend()
            #expect(first != second)
            #expect(pool.statistics.connectsTotal == 2)
        }
    }

    @Test func a_statement_whose_connection_is_ended_fails_and_is_not_run_again() async throws {
        try await withPool(size: 1) { pool, database in
            try await pool.script("CREATE TABLE t (n int8)")
            let backend = try await pool.backend()
            let task = Task {
                await failure { () throws(PostgresError) in
                    try await pool.transaction { (connection) throws(PostgresError) in
                        try connection.execute(Statement("insert", "INSERT INTO t VALUES (1)"))
                        _ = try connection.query(Statement("sleep", "SELECT pg_sleep(60)"))
                    }
                }
            }
            #expect(try await eventually { pool.statistics.inUse == 1 })
            try await terminate(backend, database)
            let error = await task.value
            #expect(error?.code == .connectionLost)
            let rows = try await pool.rows("SELECT 1 FROM t")
            #expect(rows.isEmpty)
        }
    }

    @Test func a_restarted_server_is_found_again() async throws {
        let directory = try TestDirectory.create()
        var configuration = EmbeddedConfiguration(dataDirectory: directory, searchPath: TestDirectory.searchPath)
        configuration.durable = false
        let first = try await EmbeddedPostgres.start(configuration)
        var settings = PoolConfiguration(connectionString: first.connectionString, size: 3)
        settings.waitDeadline = .seconds(30)
        let pool = Pool(settings)
        try await pool.script("CREATE TABLE t (n int8)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { _ = try await pool.rows("SELECT pg_sleep(0.1)") } }
            try await group.waitForAll()
        }
        try await first.stop()
        // The caller waits while there is no server, and is served when it is back.
        async let waiter = pool.rows("SELECT 1 FROM t")
        let isWaiting = try await eventually { pool.statistics.waiting == 1 }
        #expect(isWaiting)
        let second = try await EmbeddedPostgres.start(configuration)
        #expect(try await waiter.isEmpty)
        await pool.close()
        try await second.stop()
    }

    @Test func a_listener_hears_and_listens_again_after_its_connection_was_ended() async throws {
        try await withPool(size: 1) { pool, database in
            var configuration = PoolConfiguration(connectionString: database.connectionString, size: 1)
            configuration.applicationName = "listener"
            let listener = NotificationListener(configuration, channels: ["news", "Other \"channel\""])
            var events = listener.events.makeAsyncIterator()
            #expect(await events.next() == .listening)
            try await pool.script("NOTIFY news, 'one'")
            #expect(await events.next() == .notification(channel: "news", payload: "one"))
            try await pool.script("NOTIFY \"Other \"\"channel\"\"\"")
            #expect(await events.next() == .notification(channel: "Other \"channel\"", payload: ""))
            let backend = try await pool.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'listener'")
            try await terminate(try backend.single().int4(0), database)
            #expect(await events.next() == .reconnected)
            try await pool.script("NOTIFY news, 'two'")
            #expect(await events.next() == .notification(channel: "news", payload: "two"))
            listener.close()
            #expect(await events.next() == nil)
        }
    }

    @Test func a_slow_reader_is_told_that_it_missed_events() async throws {
        try await withPool(size: 1) { pool, database in
            let configuration = PoolConfiguration(connectionString: database.connectionString, size: 1)
            let listener = NotificationListener(configuration, channels: ["news", "end"], bufferedEventsMax: 4)
            var events = listener.events.makeAsyncIterator()
            #expect(await events.next() == .listening)
            try await pool.script("SELECT pg_notify('news', n::text) FROM generate_series(1, 100) AS n")
            var heard: [ListenerEvent] = []
            while !heard.contains(.overflowed), let event = await events.next() { heard.append(event) }
            #expect(heard.contains(.overflowed))
            listener.close()
        }
    }
}
