// metaxyd export and import: the whole registry and lineage as an archive.

import ArgumentParser
import JSON
import Postgres
import Store

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the whole registry and lineage to an archive, as it is at one moment.",
        discussion: """
            Works on the database itself, with DATABASE_URL or the embedded one, whether or not a server runs. The \
            archive is lines of JSON, with a digest of each part at its end. Of tokens it has names and scopes, no \
            secrets. Leases end with it.
            """)

    @Argument(help: "The file, which must not exist; compressed where it ends with .gz; - for standard output.")
    var file: String

    @Flag(help: "Compress, whatever the name of the file.")
    var gzip = false

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let (file, isCompressed) = (file, gzip || file.hasSuffix(".gz"))
        try await options.archive("exported") { (pool) async throws(ArchiveError) in
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
            Works on the database itself, which is migrated first. All of the archive is read, or nothing: one that was \
            cut or changed is refused, and so is a database that has anything. Tokens get new secrets with \
            `metaxyd token rotate`.
            """)

    @Argument(help: "The file, compressed or not; - for standard input.")
    var file: String

    @OptionGroup var options: DatabaseOptions

    func run() async throws {
        let file = file
        try await options.archive("imported") { (pool) async throws(ArchiveError) in
            // Read once only: a transaction that collides is not run again.
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
    /// Runs `body` on the database, and says what it moved.
    fileprivate func archive(
        _ done: String, _ body: (Pool) async throws(ArchiveError) -> [ArchiveTally]
    ) async throws {
        do throws(ExitReason) {
            let database = try await Database.open(try configuration(), connections: 1, isShared: true)
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
    /// The reason behind an archive that cannot be written or read.
    fileprivate init(_ error: ArchiveError) {
        switch error {
        case .store(let error): self = ExitReason(error)
        case .notEmpty(let tables):
            self = .refused("the database is not empty: there are rows in \(tables.joined(separator: ", "))")
        case .otherSchema(let archive, let database):
            self = .refused(
                "the archive was written at migration \(archive) and the database is at \(database): import it with the "
                    + "program that wrote it, then migrate")
        case .cut: self = .refused("the archive is cut: it ends before its end")
        case .damaged(0, let detail): self = .refused("the archive is damaged: \(detail)")
        case .damaged(let line, let detail): self = .refused("the archive is damaged, line \(line): \(detail)")
        case .file(let detail): self = .refused(detail)
        }
    }
}
