// metaxyd migrate: brings the schema up to date and ends.

import ArgumentParser

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply the migrations that the database lacks, and end.")

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        do {
            let database = try await Database.open(try options.configuration(), connections: 1)
            await database.close()
        } catch {
            throw error.exit()
        }
    }
}
