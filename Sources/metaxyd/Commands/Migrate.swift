// metaxyd migrate: applies missing migrations.

import ArgumentParser

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply the missing migrations.")

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        do {
            let database = try await Database.open(try options.configuration(), connections: 1, for: .migrate)
            await database.close()
        } catch {
            throw error.exit()
        }
    }
}
