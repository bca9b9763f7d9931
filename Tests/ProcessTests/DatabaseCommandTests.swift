// Commands that only read or manage: they create and migrate no database, and say what is wrong.

import Foundation
import JSON
import Postgres
import TestSupport
import Testing

@Suite("Commands that only read or manage", .serialized)
struct DatabaseCommandTests {
    private static let commands = [
        ["token", "list"], ["token", "create", "t", "--scope", "read"], ["token", "rotate", "t"],
        ["token", "revoke", "t"], ["export", "-"],
    ]

    /// The names of the tables of the schema public.
    private static func tables(_ database: TestDatabase) async throws -> [String] {
        let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
        let statement = Statement(
            "test_tables", "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        let rows = try await pool.withConnection { (connection) throws(PostgresError) -> [String] in
            var names: [String] = []
            for row in try connection.query(statement) { names.append(try row.text(0)) }
            return names
        }
        await pool.close()
        return rows
    }

    @Test("in a directory without a database they fail, name the directory, and create nothing", arguments: commands)
    func wrongDirectory(_ command: [String]) throws {
        let directory = try TestDirectory.create()
        let result = try ServerProcess.run(command, in: directory)
        #expect(result.code == 78)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("there is no database in \(directory)/metaxy-data"), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }

    @Test("config and status open no database")
    func noDatabase() throws {
        let directory = try TestDirectory.create()
        #expect(try ServerProcess.run(["config"], in: directory).code == 0)
        let status = try ServerProcess.run(["status", "--server", "http://127.0.0.1:1"], in: directory)
        #expect(status.code == 69)
        #expect(status.errors.contains("cannot reach http://127.0.0.1:1"), "\(status.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
    }

    @Test("a database without the schema, or with an older one, is refused and stays as it is")
    func schema() async throws {
        try await TestDatabase.with { database in
            // A variable that was read from a file ends with a newline.
            let environment = ["DATABASE_URL": database.connectionString + "\n"]
            let before = try await Self.tables(database)
            for command in Self.commands {
                let result = try ServerProcess.run(command, environment: environment)
                #expect(result.code == 78, "\(command)")
                #expect(result.errors.contains("no Metaxy schema"), "\(result.errors)")
            }
            #expect(try await Self.tables(database) == before)
            #expect(try ServerProcess.run(["migrate"], environment: environment).code == 0)
            #expect(try ServerProcess.run(["token", "list"], environment: environment).code == 0)
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            try await pool.withConnection { (connection) throws(PostgresError) in
                try connection.script(
                    "DELETE FROM schema_migration WHERE number = (SELECT max(number) FROM schema_migration)")
            }
            await pool.close()
            for command in Self.commands {
                let result = try ServerProcess.run(command, environment: environment)
                #expect(result.code == 78, "\(command)")
                #expect(result.errors.contains("run metaxyd migrate first"), "\(result.errors)")
            }
        }
    }

    @Test("white space around a client's token does not count, nor does an empty variable; a broken token is named")
    func clientToken() async throws {
        let directory = try TestDirectory.create()
        let server = try ServerProcess(database: nil, dataDirectory: directory, isOpen: false)
        let file = directory + "/admin-token"
        let secret = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
        func status(_ environment: [String: String], _ options: String...) throws -> (code: Int32, errors: String) {
            let result = try ServerProcess.run(
                ["status"] + options, environment: environment.merging(["METAXY_SERVER": server.url]) { $1 })
            return (result.code, result.errors)
        }
        for value in [secret, secret + "\n", " " + secret + "\r\n"] {
            #expect(try status(["METAXY_TOKEN": value]).code == 0)
        }
        #expect(try status(["METAXY_TOKEN": "", "METAXY_TOKEN_FILE": file]).code == 0)
        #expect(try status(["METAXY_TOKEN": "wrong"], "--token-file", file).code == 0)
        #expect(try status(["METAXY_TOKEN": "wrong"]).code == 1)
        let broken = try status(["METAXY_TOKEN": secret + "\n" + secret])
        #expect(broken.code == 78 && broken.errors.contains("METAXY_TOKEN has"), "\(broken.errors)")
        #expect(!broken.errors.contains(secret))
        let empty = directory + "/empty"
        try Data("\n".utf8).write(to: URL(fileURLWithPath: empty))
        let none = try status(["METAXY_TOKEN_FILE": empty])
        #expect(none.code == 78 && none.errors.contains("METAXY_TOKEN_FILE"), "\(none.errors)")
        #expect(server.stop() == 0)
    }
}
