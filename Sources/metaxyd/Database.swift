// The database of a command: the one that DATABASE_URL names, or the embedded one.

import Foundation
import Postgres
import Store

/// An open database.
struct Database: Sendable {
    let pool: Pool
    private let embedded: EmbeddedPostgres?

    /// Opens the database and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - dataDirectory: where the embedded PostgreSQL lives when `DATABASE_URL` is not set.
    ///   - connections: the size of the pool.
    static func open(dataDirectory: String, connections: Int) async throws(ExitReason) -> Database {
        let environment = ProcessInfo.processInfo.environment
        var embedded: EmbeddedPostgres?
        let connectionString: String
        if let url = environment["DATABASE_URL"], !url.isEmpty {
            connectionString = url
        } else {
            let server = try await start(dataDirectory, environment)
            embedded = server
            connectionString = server.connectionString
        }
        let database = Database(
            pool: Pool(configuration(connectionString, size: connections)), embedded: embedded)
        do {
            try await database.migrate()
        } catch {
            await database.close()
            throw error
        }
        return database
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
                try Migrator(connection).migrate()
            }
            for name in names { Log.write(.info, "applied migration \(name)") }
        } catch {
            throw ExitReason(error)
        }
    }

    private static func configuration(_ connectionString: String, size: Int) -> PoolConfiguration {
        var configuration = PoolConfiguration(connectionString: connectionString, size: size)
        configuration.applicationName = "metaxyd"
        configuration.observe = { event in
            if case .connectFailed(let error, _) = event { Log.write(.warning, "database: \(error)") }
        }
        return configuration
    }

    private static func start(
        _ dataDirectory: String, _ environment: [String: String]
    ) async throws(ExitReason) -> EmbeddedPostgres {
        let path = URL(fileURLWithPath: dataDirectory).standardizedFileURL.path
        var configuration = EmbeddedConfiguration(
            dataDirectory: path, searchPath: environment["PATH"] ?? "",
            runtimeDirectory: environment["XDG_RUNTIME_DIR"])
        configuration.observe = { event in Log.write(.info, "embedded PostgreSQL: \(event)") }
        do {
            return try await EmbeddedPostgres.start(configuration)
        } catch {
            switch error.code {
            case .startFailed, .startTimedOut: throw .unreachable("\(error)")
            default: throw .configuration("\(error)")
            }
        }
    }
}
