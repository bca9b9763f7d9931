// The command line of metaxyd and its subcommands.

import ArgumentParser

@main
struct Metaxyd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metaxyd",
        abstract: "Tracks dependencies per record and field, and hands workers exactly the records that need work.",
        discussion: """
            DATABASE_URL, a libpq connection string or URI, names the PostgreSQL database. Without it, metaxyd runs a \
            PostgreSQL of its own in the data directory.

            Exit codes: 0 success, 1 refused, 64 wrong usage, 69 database or server unreachable, 78 bad configuration, \
            or a missing, older or newer schema.
            """,
        version: Version.text,
        subcommands: [
            Serve.self, Migrate.self, TokenCommand.self, ConfigCommand.self, StatusCommand.self,
            PushCommand.self, ResolveCommand.self, ExplainCommand.self, FailuresCommand.self, VerifyCommand.self,
            ExportCommand.self, ImportCommand.self,
        ])
}
