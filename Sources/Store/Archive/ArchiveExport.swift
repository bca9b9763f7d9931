// Writes the whole registry and lineage of a database as an archive.

import JSON
public import Postgres

/// Writes an archive: lines of JSON, section after section, with counts and digests at the end.
public struct ArchiveExport {
    /// Bytes are handed over in pieces of about this size.
    private static let pieceBytes = 64 << 10
    private static let progressRows: Int64 = 1_000

    private let connection: Connection

    /// An export from the database behind `connection`, which must be in a transaction of REPEATABLE READ: all rows are
    /// then of one moment.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Writes everything.
    ///
    /// - Parameters:
    ///   - program: the version of the program, for whoever looks into the archive.
    ///   - put: takes the next bytes.
    ///   - note: is told, every thousand rows and at the end of each section, how far it is.
    /// - Returns: the sections.
    /// - Throws: `.store`, and what `put` throws.
    /// - Complexity: O(rows), in the memory of one row and 64 KiB.
    public func write(
        program: String, _ put: ([UInt8]) throws(ArchiveError) -> Void, note: (ArchiveTally) -> Void
    ) throws(ArchiveError) -> [ArchiveTally] {
        let contents: ArchiveContents
        let schema: Int
        do throws(StoreError) {
            try connection.settleForArchive()
            schema = try Migrator(connection).check()
            contents = try ArchiveContents(connection)
        } catch {
            throw .store(error)
        }
        var output = ArchiveMark.bytes(
            "archive",
            [
                ("version", .integer(ArchiveMark.version)), ("schema", .integer(Int64(schema))),
                ("program", .string(program)),
            ])
        output.append(UInt8(ascii: "\n"))
        var tallies: [ArchiveTally] = []
        for section in ArchiveSection.registry + contents.sections {
            tallies.append(try write(section, &output, put, note))
        }
        output += ArchiveMark.end(tallies)
        output.append(UInt8(ascii: "\n"))
        try put(output)
        return tallies
    }

    private func write(
        _ section: ArchiveSection, _ output: inout [UInt8], _ put: ([UInt8]) throws(ArchiveError) -> Void,
        _ note: (ArchiveTally) -> Void
    ) throws(ArchiveError) -> ArchiveTally {
        var tally = ArchiveTally(section)
        var failure: ArchiveError?
        output += ArchiveMark.begin(section)
        output.append(UInt8(ascii: "\n"))
        do throws(PostgresError) {
            try connection.copyOut("COPY (\(section.select)) TO STDOUT (FORMAT binary)") { row throws(PostgresError) in
                let line = try row.bytes(0)
                do throws(ArchiveError) {
                    try Self.check(line, section)
                    tally.add(line)
                    output += line
                    output.append(UInt8(ascii: "\n"))
                    if tally.rows % Self.progressRows == 0 { note(tally) }
                    guard output.count >= Self.pieceBytes else { return }
                    try put(output)
                    output.removeAll(keepingCapacity: true)
                } catch {
                    failure = error
                    throw PostgresError(.cancelled, "the archive cannot be written")
                }
            }
        } catch {
            throw failure ?? ArchiveError(error)
        }
        note(tally)
        return tally
    }

    /// The database escapes line ends in texts; only a document of type json that nobody of this program wrote has some.
    private static func check(_ line: [UInt8], _ section: ArchiveSection) throws(ArchiveError) {
        guard !line.contains(UInt8(ascii: "\n")) else {
            throw .store(.corrupt("a row of \(section.name) has a document of several lines"))
        }
    }
}
