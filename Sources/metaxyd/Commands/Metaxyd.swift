// The command line.

import ArgumentParser

@main
struct Metaxyd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metaxyd",
        abstract: "Tracks, per record and field, what depends on what, and hands workers exactly what needs work.",
        discussion: """
            With DATABASE_URL set (a libpq connection string or URI) that PostgreSQL is used. Without it, a private \
            PostgreSQL is run under the data directory.

            Exit codes: 0 stopped on request, 64 usage, 69 database unreachable, 78 bad configuration or newer schema.
            """,
        version: Version.text,
        subcommands: [
            Serve.self, Migrate.self, TokenCommand.self, ConfigCommand.self, StatusCommand.self,
            PushCommand.self, ResolveCommand.self, ExplainCommand.self, FailuresCommand.self, VerifyCommand.self,
            ExportCommand.self, ImportCommand.self,
        ])
}
