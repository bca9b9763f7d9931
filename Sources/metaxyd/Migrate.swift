// metaxyd migrate: brings the schema up to date and ends.

import ArgumentParser

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply the migrations that the database lacks, and end.")

    @Option(help: "Where the embedded PostgreSQL lives when DATABASE_URL is not set.")
    var dataDir = "./metaxy-data"

    func run() async throws {
        do {
            let database = try await Database.open(dataDirectory: dataDir, connections: 1)
            await database.close()
        } catch {
            throw error.exit()
        }
    }
}
