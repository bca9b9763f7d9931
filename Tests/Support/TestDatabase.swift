// TestDatabase: fresh databases for tests, on one private PostgreSQL for the whole test process.

/// A database that exists for one test.
///
/// The server behind it is started with the first database of the process, does not synchronise its disk, and goes
/// with the process; what a killed run left behind is removed by the next one.
public struct TestDatabase: Sendable {
    /// Connects to the database as its owner.
    public let connectionString: String
    /// Connects to the database as a superuser.
    public let administratorConnectionString: String
    private let name: String

    /// Tests that have a database at a time: the server has a hundred connections, and a test up to eight.
    private static let gate = Gate(width: 12)

    /// Runs `body` with a new database and drops the database afterwards.
    ///
    /// A dozen at most run at a time.
    ///
    /// - Parameters:
    ///   - template: the name of a template made by `prepareTemplate`; nil: an empty database.
    ///   - body: uses the database.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, and failures of the server.
    public static func with<T>(
        template: String? = nil, _ body: (TestDatabase) async throws -> T
    ) async throws -> T {
        await gate.enter()
        defer { gate.leave() }
        let database = try await create(template: template)
        let result: T
        do {
            result = try await body(database)
        } catch {
            try await database.drop()
            throw error
        }
        try await database.drop()
        return result
    }

    /// Creates a database; whoever does not drop it leaves that to the end of the process.
    ///
    /// - Parameter template: the name of a template made by `prepareTemplate`; nil: an empty database.
    /// - Returns: the database.
    /// - Throws: failures of the server.
    public static func create(template: String? = nil) async throws -> TestDatabase {
        let server = try await TestServer.shared.started()
        let name = "test_\(TestServer.shared.number())"
        try await server.create(name, template: template ?? "template0")
        return server.database(name)
    }

    /// Makes a template once for the process: an empty database that `prepare` fills, as by migrations. Databases
    /// made of it are copies, which takes tens of milliseconds whatever `prepare` does.
    ///
    /// Later calls with the same name wait for the first and do nothing.
    /// - Parameters:
    ///   - name: the template's name for `create`; a plain word.
    ///   - prepare: fills the database; must have closed its connections when it returns.
    /// - Throws: what `prepare` throws, and failures of the server.
    public static func prepareTemplate(
        named name: String, prepare: @escaping @Sendable (TestDatabase) async throws -> Void
    ) async throws {
        try await TestServer.shared.template(named: name, prepare: prepare)
    }

    init(name: String, connectionString: String, administratorConnectionString: String) {
        self.name = name
        self.connectionString = connectionString
        self.administratorConnectionString = administratorConnectionString
    }

    /// The same database as connections see it that look into one schema.
    ///
    /// - Parameter schema: the schema's name, which may need quotes in SQL.
    public func looking(into schema: String) -> TestDatabase {
        // Quoted for SQL, then for the server's options, then for the connection string.
        let path = "\"\(schema)\"".split(separator: " ").joined(separator: #"\\ "#)
        return TestDatabase(
            name: name, connectionString: "\(connectionString) options='-c search_path=\(path)'",
            administratorConnectionString: administratorConnectionString)
    }

    /// Drops the database, and ends whatever is still connected to it.
    ///
    /// - Throws: failures of the server.
    public func drop() async throws {
        try await TestServer.shared.started().drop(name)
    }
}
