// Opens the database of a command: the one that DATABASE_URL names, or the embedded one.

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

    /// Whether this process runs the database as its embedded PostgreSQL.
    var isEmbedded: Bool { embedded != nil }

    /// What a command does to the database.
    enum Purpose {
        /// Creates the embedded database if it is missing, and applies missing migrations.
        case migrate
        /// Changes rows of a database that exists and has the current schema.
        case manage
        /// Reads a database that exists and has the current schema.
        case read
    }

    /// Opens the database.
    ///
    /// - Parameters:
    ///   - settings: the database, and what is logged.
    ///   - connections: the size of the pool.
    ///   - purpose: whether a missing database or an old schema is created, or refused.
    ///   - isShared: whether to use the embedded PostgreSQL of a running server, if there is one.
    /// - Throws: 78 if the connection string is malformed, if the database is missing and not created, or if its schema
    ///   does not fit; 69 if PostgreSQL cannot be reached.
    static func open(
        _ settings: Configuration, connections: Int, for purpose: Purpose, isShared: Bool = false
    ) async throws(ExitReason) -> Database {
        let environment = ProcessInfo.processInfo.environment
        var embedded: EmbeddedPostgres?
        let connectionString: String
        if let url = settings.databaseURL {
            // libpq repeats a malformed string in its message.
            Log.hide(secretsOf: url)
            if let fault = ConnectionString.fault(in: url) {
                throw .configuration("database-url is not a usable connection string: \(fault)")
            }
            connectionString = url
        } else {
            if purpose != .migrate { try requireEmbedded(settings.dataDirectory) }
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
            switch purpose {
            case .migrate: try await database.migrate()
            case .manage: try await database.check(aligning: true)
            case .read: try await database.check(aligning: false)
            }
        } catch {
            await database.close()
            throw error
        }
        return database
    }

    /// Listens to the notifications of other processes, on a connection outside the pool.
    func listener() -> NotificationListener {
        var configuration = configuration
        configuration.applicationName = "metaxyd-listener"
        return NotificationListener(configuration, channels: CrossProcessWaking.channels)
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

    /// Checks that the schema is the one that this program knows.
    ///
    /// - Parameter aligning: whether to let the positions of the change feed go on growing after a restored dump.
    private func check(aligning: Bool) async throws(ExitReason) {
        do {
            let applied = try await pool.transaction { (connection) throws(StoreError) in
                let applied = try Migrator(connection).check()
                if aligning, applied == Migrator.newest { try ChangeLog(connection).align() }
                return applied
            }
            guard applied == Migrator.newest else {
                throw ExitReason.configuration(
                    "the database's schema is at migration \(applied) and this program needs \(Migrator.newest): "
                        + "run metaxyd migrate first")
            }
        } catch let error as StoreError {
            if case .database(let error) = error, error.sqlState == .undefinedTable {
                throw .configuration(
                    "the database has no Metaxy schema: run metaxyd migrate, or start metaxyd serve, first")
            }
            throw ExitReason(error)
        } catch let reason as ExitReason {
            throw reason
        } catch {
            throw .refused("\(error)")
        }
    }

    /// Refuses a data directory without a database, so that a command in the wrong directory does not create one.
    private static func requireEmbedded(_ dataDirectory: String) throws(ExitReason) {
        let path = URL(fileURLWithPath: dataDirectory).standardizedFileURL.path
        guard !FileManager.default.fileExists(atPath: path + "/postgres") else { return }
        throw .configuration(
            "there is no database in \(path): name its directory with --data-dir, or set DATABASE_URL. "
                + "metaxyd serve creates a new one")
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

    /// The embedded PostgreSQL that a command uses.
    private enum Embedded {
        /// The command started it.
        case own(EmbeddedPostgres)
        /// A running server owns it; this is its connection string.
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
