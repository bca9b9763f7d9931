// metaxyd export and import: archives of the whole registry and lineage.

import ArgumentParser
import JSON
import Postgres
import Store

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the whole registry and lineage, as of one moment, to an archive.",
        discussion: """
            Works on the database itself (DATABASE_URL or the embedded one), whether or not a server is running. It \
            never creates or migrates a database. The archive is lines of JSON and ends with a digest of each section. \
            It has the names and scopes of tokens, not their secrets, and no leases.
            """)

    @Argument(help: "The file, which must not exist, or - for standard output. A name that ends in .gz compresses it.")
    var file: String

    @Flag(help: "Compress, whatever the file is called.")
    var gzip = false

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let (file, isCompressed) = (file, gzip || file.hasSuffix(".gz"))
        try await options.archive("exported", for: .read) { (pool) async throws(ArchiveError) in
            try await pool.transaction(isolation: .repeatableRead, readOnly: true, retries: 0) {
                (connection) throws(ArchiveError) in
                let output = try ArchiveOutput(file, isCompressed: isCompressed)
                let progress = Progress("exporting")
                do throws(ArchiveError) {
                    let tallies = try ArchiveExport(connection).write(
                        program: Version.text, { (bytes) throws(ArchiveError) in try output.put(bytes) },
                        note: { progress.note($0) })
                    try output.finish()
                    progress.end()
                    return tallies
                } catch {
                    output.abandon()
                    progress.end()
                    throw error
                }
            }
        }
    }
}

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Read an archive into an empty database.",
        discussion: """
            Works on the database itself, and migrates it first. The import is one transaction. An incomplete or \
            altered archive is refused, and so is a database that is not empty. `metaxyd token rotate` gives an \
            imported token a new secret.
            """)

    @Argument(help: "The file, compressed or not, or - for standard input.")
    var file: String

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let file = file
        try await options.archive("imported", for: .migrate) { (pool) async throws(ArchiveError) in
            // Standard input can be read once only, so the transaction is not retried.
            try await pool.transaction(retries: 0) { (connection) throws(ArchiveError) in
                let input = try ArchiveInput(file)
                let progress = Progress("importing")
                defer { progress.end() }
                return try ArchiveImport(connection).read(
                    { () throws(ArchiveError) in try input.next() }, note: { progress.note($0) })
            }
        }
    }
}

extension DatabaseOptions {
    /// Runs `body` on the database, and logs the number of rows.
    fileprivate func archive(
        _ done: String, for purpose: Database.Purpose,
        _ body: (Pool) async throws(ArchiveError) -> [ArchiveTally]
    ) async throws {
        do throws(ExitReason) {
            let database = try await Database.open(try configuration(), connections: 1, for: purpose, isShared: true)
            let result: Result<[ArchiveTally], ArchiveError>
            do throws(ArchiveError) { result = .success(try await body(database.pool)) } catch {
                result = .failure(error)
            }
            await database.close()
            do throws(ArchiveError) {
                let rows = try result.get().map { ($0.name, $0.rows) }
                let sums = Dictionary(rows, uniquingKeysWith: +)
                let members = [
                    ("projects", "project"), ("features", "feature"), ("records", "record"), ("versions", "lineage"),
                ]
                Log.write(.info, done, members.map { name, section in (name, .integer(sums[section] ?? 0)) })
            } catch {
                throw ExitReason(error)
            }
        } catch {
            throw error.exit()
        }
    }
}

extension ExitReason {
    /// The exit code and message for an archive that cannot be written or read.
    fileprivate init(_ error: ArchiveError) {
        switch error {
        case .store(let error): self = ExitReason(error)
        case .notEmpty(let tables):
            self = .refused("the database is not empty: there are rows in \(tables.joined(separator: ", "))")
        case .otherSchema(let archive, let database):
            self = .refused(
                "the archive has the schema of migration \(archive) and the database that of \(database): import it with the "
                    + "program that wrote it, then migrate")
        case .cut: self = .refused("the archive is incomplete: its last lines are missing")
        case .damaged(0, let detail): self = .refused("the archive is damaged: \(detail)")
        case .damaged(let line, let detail): self = .refused("the archive is damaged, line \(line): \(detail)")
        case .file(let detail): self = .refused(detail)
        }
    }
}
