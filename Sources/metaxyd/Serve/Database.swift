// The database of a command: the one that DATABASE_URL names, or the embedded one.

import API
import Foundation
import JSON
import Postgres
import Service
import Store

/// An open database.
struct Database: Sendable {
    let pool: Pool
    private let embedded: EmbeddedPostgres?
    private let configuration: PoolConfiguration

    /// Whether it is an embedded PostgreSQL that this process runs.
    var isEmbedded: Bool { embedded != nil }

    /// Opens the database and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - settings: what to open, and what to log.
    ///   - connections: the size of the pool.
    ///   - isShared: whether to use the embedded PostgreSQL of a server that runs, where one does.
    static func open(
        _ settings: Configuration, connections: Int, isShared: Bool = false
    ) async throws(ExitReason) -> Database {
        let environment = ProcessInfo.processInfo.environment
        var embedded: EmbeddedPostgres?
        let connectionString: String
        if let url = settings.databaseURL {
            // What libpq says of a string that it cannot read has the string in it.
            Log.hide(secretsOf: url)
            connectionString = url
        } else {
            switch try await start(settings.dataDirectory, environment, isShared: isShared) {
            case .own(let server):
                embedded = server
                connectionString = server.connectionString
            case .other(let string): connectionString = string
            }
        }
        let configuration = configuration(connectionString, size: connections, settings)
        let database = Database(pool: Pool(configuration), embedded: embedded, configuration: configuration)
        do {
            try await database.migrate()
        } catch {
            await database.close()
            throw error
        }
        return database
    }

    /// Listens to what other processes tell about work, on a connection besides those of the pool.
    func listener() -> Postgres.Listener {
        var configuration = configuration
        configuration.applicationName = "metaxyd-listener"
        return Postgres.Listener(configuration, channels: Metaxy.channels)
    }

    /// Closes the pool and stops the embedded server.
    func close() async {
        await pool.close()
        guard let embedded else { return }
        do {
            try await embedded.stop()
        } catch {
            Log.write(.error, "the embedded PostgreSQL did not stop cleanly: \(error)")
        }
    }

    private func migrate() async throws(ExitReason) {
        do {
            let names = try await pool.transaction { (connection) throws(StoreError) in
                let names = try Migrator(connection).migrate()
                try ChangeLog(connection).align()
                return names
            }
            for name in names { Log.write(.info, "applied migration \(name)") }
        } catch {
            throw ExitReason(error)
        }
    }

    private static func configuration(
        _ connectionString: String, size: Int, _ settings: Configuration
    ) -> PoolConfiguration {
        var configuration = PoolConfiguration(connectionString: connectionString, size: size)
        configuration.applicationName = "metaxyd"
        configuration.slowStatement = settings.slowStatement
        configuration.caller = { API.requestID }
        configuration.observe = { event in
            switch event {
            case .connectFailed(let error, _): Log.write(.warning, "database: \(error)")
            case .slowStatements(let names, let duration, let caller):
                Log.write(
                    .warning, "slow statements",
                    [
                        ("statements", .array(names.map { .string($0) })),
                        ("seconds", .double(duration / .seconds(1))),
                    ] + (caller.map { [("request_id", .string($0))] } ?? []))
            case .notice, .connected, .connectionLost, .transactionRetried: break
            }
        }
        return configuration
    }

    /// The embedded PostgreSQL that a command works with.
    private enum Embedded {
        /// One that it has started.
        case own(EmbeddedPostgres)
        /// That of a server that runs, by its connection string.
        case other(String)
    }

    private static func start(
        _ dataDirectory: String, _ environment: [String: String], isShared: Bool
    ) async throws(ExitReason) -> Embedded {
        let path = URL(fileURLWithPath: dataDirectory).standardizedFileURL.path
        var configuration = EmbeddedConfiguration(
            dataDirectory: path, searchPath: environment["PATH"] ?? "",
            runtimeDirectory: environment["XDG_RUNTIME_DIR"])
        configuration.observe = { event in Log.write(.info, "embedded PostgreSQL: \(event)") }
        do {
            return .own(try await EmbeddedPostgres.start(configuration))
        } catch {
            switch error.code {
            case .inUse where isShared: return .other(try running(path))
            case .startFailed, .startTimedOut: throw .unreachable("\(error)")
            default: throw .configuration("\(error)")
            }
        }
    }

    private static func running(_ path: String) throws(ExitReason) -> String {
        do { return try EmbeddedPostgres.connectionString(ofServerOn: path) } catch { throw .configuration("\(error)") }
    }
}
