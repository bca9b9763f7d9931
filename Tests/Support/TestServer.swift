// TestServer: the PostgreSQL that the tests of one process share.

import Postgres
import Synchronization

/// Starts the server on first use.
final class TestServer: Sendable {
    static let shared = TestServer()

    private let starting = Mutex<Task<RunningServer, any Error>?>(nil)
    private let templates = Mutex<[String: Task<Void, any Error>]>([:])
    private let numbers = Atomic<Int>(0)

    /// A number that no other database of this process has.
    func number() -> Int {
        numbers.add(1, ordering: .relaxed).newValue
    }

    /// The server, started if need be.
    func started() async throws -> RunningServer {
        let task = starting.withLock { starting in
            if let starting { return starting }
            // The task is shared by tests: it must not be cancelled with the test that came first.
            let task = Task { try await RunningServer.start() }
            starting = task
            return task
        }
        return try await task.value
    }

    /// Makes a template unless it has been made.
    func template(named name: String, prepare: @escaping @Sendable (TestDatabase) async throws -> Void) async throws {
        let task = templates.withLock { templates in
            if let task = templates[name] { return task }
            let task = Task {
                let server = try await started()
                try await server.create(name, template: "template0")
                try await prepare(server.database(name))
            }
            templates[name] = task
            return task
        }
        try await task.value
    }
}

/// The server and a pool for its administration.
struct RunningServer: Sendable {
    private let server: EmbeddedPostgres
    private let pool: Pool

    /// Starts a server in a directory of its own and has the directory removed at exit.
    static func start() async throws -> RunningServer {
        TestDirectory.removeLeftovers()
        let directory = try TestDirectory.create()
        var configuration = EmbeddedConfiguration(dataDirectory: directory, searchPath: TestDirectory.searchPath)
        configuration.durable = false
        let server = try await EmbeddedPostgres.start(configuration)
        TestDirectory.atExit {
            do {
                try await server.stop()
            } catch {
                print("the server of the tests does not stop: \(error)")
            }
        }
        var settings = PoolConfiguration(connectionString: server.administratorConnectionString, size: 4)
        settings.waitDeadline = .seconds(60)
        return RunningServer(server: server, pool: Pool(settings))
    }

    /// The strings that connect to a database.
    func database(_ name: String) -> TestDatabase {
        // The last of two values counts.
        TestDatabase(
            name: name, connectionString: "\(server.connectionString) dbname=\(name)",
            administratorConnectionString: "\(server.administratorConnectionString) dbname=\(name)")
    }

    func create(_ name: String, template: String) async throws {
        try await pool.withConnection { (connection) throws(PostgresError) in
            try connection.script("CREATE DATABASE \"\(name)\" TEMPLATE \"\(template)\" OWNER metaxy")
        }
    }

    func drop(_ name: String) async throws {
        try await pool.withConnection { (connection) throws(PostgresError) in
            try connection.script("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
        }
    }
}
