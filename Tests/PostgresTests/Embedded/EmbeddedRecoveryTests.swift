// EmbeddedPostgres after crashes: of the server, of the process it belongs to, and of what both leave behind.

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite struct EmbeddedRecoveryTests {
    static func configuration(_ directory: String) -> EmbeddedConfiguration {
        EmbeddedConfiguration(dataDirectory: directory, searchPath: TestDirectory.searchPath)
    }

    static func pool(_ server: EmbeddedPostgres) -> Pool {
        var settings = PoolConfiguration(connectionString: server.connectionString, size: 2)
        settings.waitDeadline = .seconds(60)
        return Pool(settings)
    }

    @Test func a_killed_server_is_started_again_and_has_every_commit() async throws {
        let exits = Mutex(0)
        var configuration = Self.configuration(try TestDirectory.create())
        configuration.observe = { event in
            if case .exited = event { exits.withLock { $0 += 1 } }
        }
        let server = try await EmbeddedPostgres.start(configuration)
        let pool = Self.pool(server)
        try await pool.script("CREATE TABLE t (n int8); INSERT INTO t SELECT generate_series(1, 1000)")
        let first = try #require(server.processID)
        kill(first, SIGKILL)
        #expect(try await eventually { server.processID != nil && server.processID != first })
        // The pool waits until the server has recovered.
        #expect(
            try await eventually {
                await failure { () throws(PostgresError) in try await pool.rows("SELECT 1") } == nil
            })
        let row = try await pool.rows("SELECT count(*) FROM t").single()
        #expect(try row.int8(0) == 1000)
        #expect(exits.withLock { $0 } == 1)
        await pool.close()
        try await server.stop()
    }

    @Test func a_server_whose_process_was_killed_goes_too_and_its_data_is_taken_over() async throws {
        let directory = try TestDirectory.create()
        await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String] in
            let server = try await EmbeddedPostgres.start(EmbeddedRecoveryTests.configuration(directory))
            let pool = EmbeddedRecoveryTests.pool(server)
            try await pool.script("CREATE TABLE t AS SELECT 7::int8 AS n")
            kill(getpid(), SIGKILL)
        }
        let server = try await EmbeddedPostgres.start(Self.configuration(directory))
        let pool = Self.pool(server)
        let row = try await pool.rows("SELECT n FROM t").single()
        #expect(try row.int8(0) == 7)
        await pool.close()
        try await server.stop()
    }

    @Test(arguments: [true, false])
    func a_server_left_behind_is_stopped_and_its_data_taken_over(willing: Bool) async throws {
        let events = Mutex<[EmbeddedEvent]>([])
        var configuration = Self.configuration(try TestDirectory.create())
        let first = try await EmbeddedPostgres.start(configuration)
        let pool = Self.pool(first)
        try await pool.script("CREATE TABLE t AS SELECT 7::int8 AS n")
        await pool.close()
        try await first.stop()
        let leftover = try startUnattended(first.dataDirectory)
        #expect(try await eventually { try FileSystem.status(first.dataDirectory + "/socket/.s.PGSQL.5432") != nil })
        // A stopped process hears no request; it takes SIGKILL.
        if !willing { kill(leftover.processID, SIGSTOP) }
        configuration.stopDeadline = willing ? .seconds(30) : .milliseconds(200)
        configuration.observe = { event in events.withLock { $0.append(event) } }
        let second = try await EmbeddedPostgres.start(configuration)
        #expect(events.withLock { $0 }.contains(.leftoverStopped(processID: leftover.processID)))
        let status = leftover.reap()
        #expect(status == (willing ? .exited(0) : .killed(signal: SIGKILL)))
        let again = Self.pool(second)
        let row = try await again.rows("SELECT n FROM t").single()
        #expect(try row.int8(0) == 7)
        await again.close()
        try await second.stop()
    }

    /// Starts the server of a directory without anything that would end it with this process.
    private func startUnattended(_ directory: String) throws -> ChildProcess {
        let programs = try EmbeddedPrograms.find(searchPath: TestDirectory.searchPath)
        let command = programs.command(
            "postgres", ["-D", directory + "/postgres", "-c", "config_file=\(directory)/postgres/metaxy.conf"],
            as: try Account.forServer())
        let patient = command.map { $0 == "INT" ? "clear" : $0 }
        return try ChildProcess.start(
            patient, environment: EmbeddedCluster.environment, output: directory + "/unattended.log")
    }

    @Test func a_process_id_that_somebody_else_has_now_is_no_obstacle() async throws {
        let configuration = Self.configuration(try TestDirectory.create())
        let first = try await EmbeddedPostgres.start(configuration)
        try await first.stop()
        try FileSystem.replace(
            first.dataDirectory + "/postgres/postmaster.pid",
            with: "\(getpid())\n\(first.dataDirectory)/postgres\n0\n5432\n\n\n0 0\nready\n",
            owner: Account.forServer(), mode: 0o600)
        let second = try await EmbeddedPostgres.start(configuration)
        try await second.stop()
    }
}
