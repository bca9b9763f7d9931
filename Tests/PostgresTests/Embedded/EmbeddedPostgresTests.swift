// EmbeddedPostgres: its directory, its rights, its errors.

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite struct EmbeddedPostgresTests {
    static func configuration(_ directory: String) -> EmbeddedConfiguration {
        var configuration = EmbeddedConfiguration(
            dataDirectory: directory, searchPath: TestDirectory.searchPath, runtimeDirectory: nil)
        configuration.durable = false
        return configuration
    }

    static func pool(_ server: EmbeddedPostgres) -> Pool {
        Pool(PoolConfiguration(connectionString: server.connectionString, size: 1))
    }

    static func failure(_ configuration: EmbeddedConfiguration) async throws -> EmbeddedPostgresError? {
        do throws(EmbeddedPostgresError) {
            let server = try await EmbeddedPostgres.start(configuration)
            try await server.stop()
            return nil
        } catch {
            return error
        }
    }

    @Test func a_second_start_finds_what_the_first_left() async throws {
        let events = Mutex<[EmbeddedEvent]>([])
        var configuration = Self.configuration(try TestDirectory.create() + "/deep/er")
        configuration.observe = { event in events.withLock { $0.append(event) } }
        for run in 0..<2 {
            let server = try await EmbeddedPostgres.start(configuration)
            let pool = Self.pool(server)
            if run == 0 { try await pool.script("CREATE TABLE t AS SELECT 5::int8 AS n") }
            let row = try await pool.rows("SELECT n FROM t").single()
            #expect(try row.int8(0) == 5)
            await pool.close()
            try await server.stop()
            #expect(server.processID == nil)
            #expect(try FileSystem.status(server.dataDirectory + "/postgres/postmaster.pid") == nil)
        }
        let initialisations = events.withLock { $0 }.filter { event in
            if case .initialised = event { true } else { false }
        }
        #expect(initialisations.count == 1)
    }

    @Test func the_role_owns_its_database_and_nothing_else_and_there_is_no_network() async throws {
        let server = try await EmbeddedPostgres.start(Self.configuration(try TestDirectory.create()))
        let pool = Self.pool(server)
        let row = try await pool.rows(
            "SELECT current_user::text, rolsuper, rolcreatedb, rolcreaterole, current_setting('listen_addresses'), "
                + "pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text, datcollate::text "
                + "FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).single()
        #expect(try row.text(0) == "metaxy")
        for column in 1...3 { #expect(try row.bool(column) == false) }
        #expect(try row.text(4) == "")
        #expect(try row.text(5) == "metaxy")
        #expect(try row.text(6) == "UTF8")
        #expect(try row.text(7) == "C.UTF-8")
        let socket = try FileSystem.status(server.dataDirectory + "/socket")
        #expect(socket?.mode == 0o700)
        await pool.close()
        try await server.stop()
    }

    @Test func a_second_server_on_a_directory_is_refused_until_the_first_has_stopped() async throws {
        let configuration = Self.configuration(try TestDirectory.create())
        let server = try await EmbeddedPostgres.start(configuration)
        let refusal = try await Self.failure(configuration)
        #expect(refusal?.code == .inUse)
        try await server.stop()
        let next = try await Self.failure(configuration)
        #expect(next == nil)
    }

    @Test func a_path_too_long_for_a_socket_gets_a_short_private_directory_and_keeps_it() async throws {
        let directory = try TestDirectory.create() + "/" + String(repeating: "long/", count: 25) + "end"
        let runtime = try TestDirectory.create()
        try FileSystem.changeMode(runtime, to: 0o711)
        var configuration = Self.configuration(directory)
        configuration.runtimeDirectory = runtime
        var strings: Set<String> = []
        for _ in 0..<2 {
            let server = try await EmbeddedPostgres.start(configuration)
            strings.insert(server.connectionString)
            let pool = Self.pool(server)
            let row = try await pool.rows("SELECT 1").single()
            #expect(try row.int4(0) == 1)
            await pool.close()
            try await server.stop()
        }
        #expect(strings.count == 1)
        #expect(strings.first?.contains("host='\(runtime)/metaxy-") == true)
    }

    @Test func a_directory_with_quotes_and_spaces_works() async throws {
        let refusal = try await Self.failure(Self.configuration(try TestDirectory.create() + "/it's \\ odd"))
        #expect(refusal == nil)
    }

    @Test func missing_programs_are_named_with_the_package_that_has_them() {
        let error = #expect(throws: EmbeddedPostgresError.self) {
            try EmbeddedPrograms.find(searchPath: "/nowhere", versionsDirectory: "/nowhere/postgresql")
        }
        #expect(error?.code == .programsMissing)
        #expect(error?.message.contains("apt-get install postgresql-15") == true)
    }

    @Test func the_newest_version_that_is_complete_is_taken() async throws {
        let versions = try TestDirectory.create()
        for (version, programs) in [
            ("14", ["postgres", "initdb"]), ("16", ["postgres", "initdb"]), ("17", ["initdb"]),
        ] {
            let directory = "\(versions)/\(version)/bin"
            try FileSystem.makeDirectories(directory, mode: 0o755)
            for program in programs { symlink("/bin/true", "\(directory)/\(program)") }
        }
        let found = try EmbeddedPrograms.find(searchPath: TestDirectory.searchPath, versionsDirectory: versions)
        #expect(found.directory == "\(versions)/16/bin")
    }

    @Test func a_relative_path_is_refused() async throws {
        let error = try await Self.failure(Self.configuration("data"))
        #expect(error?.code == .directory)
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as another user"))
    func a_directory_that_the_servers_user_cannot_reach_is_named() async throws {
        let closed = try TestDirectory.create() + "/closed"
        try FileSystem.makeDirectory(closed, mode: 0o700)
        let error = try await Self.failure(Self.configuration(closed + "/data"))
        #expect(error?.code == .directory)
        #expect(error?.message.contains("chmod o+x \(closed)") == true)
    }

    @Test func a_half_made_cluster_is_made_anew() async throws {
        let directory = try TestDirectory.create()
        try FileSystem.makeDirectories(directory + "/postgres.new/base", mode: 0o700)
        let error = try await Self.failure(Self.configuration(directory))
        #expect(error == nil)
    }

    @Test func a_server_that_does_not_start_says_why() async throws {
        let configuration = Self.configuration(try TestDirectory.create())
        let first = try await Self.failure(configuration)
        #expect(first == nil)
        let account = try Account.forServer()
        try FileSystem.replace(
            configuration.dataDirectory + "/postgres/local.conf", with: "shared_buffers = 'nonsense'\n", owner: account,
            mode: 0o600)
        let error = try await Self.failure(configuration)
        #expect(error?.code == .startFailed)
        #expect(error?.message.contains("shared_buffers") == true)
    }
}
