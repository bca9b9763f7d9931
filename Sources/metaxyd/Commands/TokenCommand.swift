// metaxyd token: creates, lists, rotates and revokes API tokens in the database itself.

import API
import ArgumentParser
import Foundation
import Service
import Store

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Create, list, rotate and revoke API tokens.",
        discussion: """
            Works on the database itself (DATABASE_URL or the embedded one), whether or not a server is running. It \
            never creates or migrates a database. Every running server refuses a revoked token within a second.
            """,
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self])

    /// The database with the tokens.
    struct Place: ParsableArguments {
        @OptionGroup var options: DatabaseOptions

        /// Runs `body` with the service over the database.
        func with(_ body: (Metaxy) async throws(ServiceError) -> Void) async throws {
            do throws(ExitReason) {
                let database = try await Database.open(
                    try options.configuration(), connections: 1, for: .manage, isShared: true)
                var failure: ServiceError?
                do throws(ServiceError) {
                    try await body(Metaxy(pool: database.pool, random: { Double.random(in: 0..<1) }))
                } catch {
                    failure = error
                }
                await database.close()
                if let failure { throw ExitReason(failure) }
            } catch {
                throw error.exit()
            }
        }
    }

    /// The lifetime of a secret.
    struct Lifetime: ParsableArguments {
        @Option(
            help:
                "The lifetime of the secret in days. Without it a new token never expires; a rotation keeps the lifetime."
        )
        var expiresDays: Int?

        func validate() throws {
            guard expiresDays.map({ (1...3_650).contains($0) }) ?? true else {
                throw ValidationError("--expires-days takes a number from 1 to 3650")
            }
        }

        var seconds: Double? { expiresDays.map { Double($0) * 86_400 } }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a token and print its secret, which is shown only once.")

        @Argument(help: "The name of the token. A name is never given twice.")
        var name: String

        @Option(
            name: .customLong("scope"),
            help: "A scope: read, write (push, records), work (claims) or admin. Repeat it for several.",
            transform: scope)
        var scopes: [Permission]

        @Option(
            name: .customLong("project"),
            help: "A project that the token may see. Repeat it for several. Without it the token sees all projects.")
        var projects: [String] = []

        @OptionGroup var lifetime: Lifetime
        @OptionGroup var place: Place

        func validate() throws {
            guard !scopes.isEmpty else { throw ValidationError("--scope is missing") }
            if let fault = TokenName.fault(in: name) { throw ValidationError(fault) }
        }

        func run() async throws {
            let request = TokenRequest(
                name: name, scopes: Set(scopes), projects: projects.isEmpty ? nil : Set(projects),
                lifetime: lifetime.seconds)
            try await place.with { (metaxy) async throws(ServiceError) in
                Output.line(try await metaxy.tokens.create(request).secret.text)
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a token a new secret and print it. The old secrets stay valid for a while.")

        @Argument(help: "The name of the token.")
        var name: String

        @Option(help: "How many seconds the old secrets stay valid.")
        var graceSeconds = 86_400

        @OptionGroup var lifetime: Lifetime
        @OptionGroup var place: Place

        func validate() throws {
            guard (0...315_360_000).contains(graceSeconds) else {
                throw ValidationError("--grace-seconds takes a number from 0 to 315360000")
            }
        }

        func run() async throws {
            try await place.with { (metaxy) async throws(ServiceError) in
                let made = try await metaxy.tokens.rotate(
                    name, grace: Double(graceSeconds),
                    lifetime: lifetime.seconds.map { .seconds($0) } ?? .asBefore)
                Output.line(made.secret.text)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all tokens, including revoked ones.")

        @OptionGroup var place: Place

        func run() async throws {
            try await place.with { (metaxy) async throws(ServiceError) in
                var table = Table(["name", "scopes", "projects", "created by", "secrets", "state"])
                var after: String?
                while true {
                    let page = try await metaxy.tokens.list(after: after, limit: 1_000)
                    for token in page.tokens {
                        table.add([
                            token.name, token.scopes.joined(separator: ","),
                            token.projects?.joined(separator: ",") ?? "all", token.createdBy ?? "command line",
                            "\(token.secrets)",
                            token.revokedAt != nil ? "revoked" : token.secrets == 0 ? "expired" : "valid",
                        ])
                    }
                    guard page.hasMore else { break }
                    after = page.tokens.last?.name
                }
                Output.text(table.text)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token and all its secrets.")

        @Argument(help: "The name of the token.")
        var name: String

        @OptionGroup var place: Place

        func run() async throws {
            try await place.with { (metaxy) async throws(ServiceError) in try await metaxy.tokens.revoke(name) }
        }
    }
}

/// Parses the argument of --scope.
private func scope(_ text: String) throws -> Permission {
    guard let scope = Permission(rawValue: text) else {
        let names = Permission.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--scope takes one of \(names), not \(text)")
    }
    return scope
}
