// Reads an archive into an empty database.

import Feature
import JSON
public import Postgres

/// Reads an archive, all in the transaction of its connection, which must be rolled back when it throws.
public struct ArchiveImport {
    /// A statement takes so many lines at most, or bytes of them.
    private static let batchLines = 1_000
    private static let batchBytes = 1 << 20

    private let connection: Connection

    /// An import into the database behind `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }

    /// Reads everything and compares it with the counts and digests at the archive's end.
    ///
    /// No one writes records or pushes meanwhile: the registry lock is held alone. New numbers begin above those of the
    /// archive, fencing tokens 2^32 above.
    ///
    /// - Parameters:
    ///   - more: gives the next bytes of the archive; nil at its end.
    ///   - note: is told, every thousand rows, how far it is.
    /// - Returns: the sections.
    /// - Throws: every `ArchiveError`, and what `more` throws.
    /// - Complexity: O(rows), in the memory of a thousand rows.
    public func read(
        _ more: () throws(ArchiveError) -> [UInt8]?, note: (ArchiveTally) -> Void
    ) throws(ArchiveError) -> [ArchiveTally] {
        var reading = Reading(connection)
        try prepare()
        try reading.header(more)
        for section in ArchiveSection.registry { try reading.section(section, more, note) }
        let contents = try stored { () throws(StoreError) in
            let contents = try ArchiveContents(connection)
            let storage = FeatureStorage(connection)
            for space in contents.spaces { try storage.createSpace(space) }
            for feature in contents.storages { try storage.createFeature(feature) }
            return contents
        }
        for section in contents.sections { try reading.section(section, more, note) }
        try reading.end(more)
        try stored { () throws(StoreError) in
            do throws(PostgresError) { try connection.script(Self.analyze) } catch { throw StoreError(error) }
            try ChangeLog(connection).align()
            try connection.run(
                Statement.named("archive_sequences"), [.textColumn(reading.sequences)])
        }
        return reading.tallies
    }

    private func prepare() throws(ArchiveError) {
        let tables = try stored { () throws(StoreError) in
            try connection.settleForArchive()
            _ = try Registry(connection).lock(exclusive: true)
            return try connection.rows(.named("archive_occupied")) { row throws(PostgresError) in try row.text(0) }
        }
        guard tables.isEmpty else { throw .notEmpty(tables) }
    }

    /// The first plans are made before autovacuum gets to tables that were just filled.
    private static let analyze =
        "ANALYZE record, lineage, head, presence, work, ready_block, link, failure, claim, operation"

    /// An archive as far as it was read.
    private struct Reading {
        var tallies: [ArchiveTally] = []
        /// The lines of the section that is done at the end.
        var sequences = ByteColumn()
        private let connection: Connection
        private var lines = ArchiveLines()
        /// A line that was read and is not a row.
        private var mark: [UInt8]?
        private var batch = ByteColumn()

        init(_ connection: Connection) {
            self.connection = connection
        }

        mutating func header(_ more: () throws(ArchiveError) -> [UInt8]?) throws(ArchiveError) {
            guard let line = try lines.next(more) else { throw .cut }
            let header: JSONValue
            do { header = try JSONValue(parsing: line) } catch {
                throw .damaged(line: 1, "this is no archive: \(error)")
            }
            guard header[ArchiveMark.member]?.stringValue == "archive" else {
                throw .damaged(line: 1, "this is no archive")
            }
            guard header["version"] == .integer(ArchiveMark.version) else {
                throw .damaged(line: 1, "archives of another form than \(ArchiveMark.version) cannot be read")
            }
            guard case .integer(let schema)? = header["schema"] else {
                throw .damaged(line: 1, "the archive does not say its schema")
            }
            guard schema == Int64(Migrator.newest) else {
                throw .otherSchema(archive: schema, database: Migrator.newest)
            }
            mark = try lines.next(more)
        }

        mutating func section(
            _ section: ArchiveSection, _ more: () throws(ArchiveError) -> [UInt8]?, _ note: (ArchiveTally) -> Void
        ) throws(ArchiveError) {
            guard let mark else { throw .cut }
            guard mark == ArchiveMark.begin(section) else {
                throw .damaged(line: lines.number, "the section \(section.name) is not where it belongs")
            }
            self.mark = nil
            var tally = ArchiveTally(section)
            while let line = try lines.next(more) {
                if ArchiveMark.isMark(line) {
                    self.mark = line
                    break
                }
                tally.add(line)
                batch.append(line)
                if batch.count == ArchiveImport.batchLines || batch.bytes.count >= ArchiveImport.batchBytes {
                    try flush(section)
                    note(tally)
                }
            }
            try flush(section)
            note(tally)
            tallies.append(tally)
        }

        private mutating func flush(_ section: ArchiveSection) throws(ArchiveError) {
            guard batch.count > 0 else { return }
            defer { batch = ByteColumn() }
            guard let insert = section.insert else {
                sequences.append(contentsOf: batch)
                return
            }
            let name = "archive_\(section.name)" + (section.partition.map { "_\($0)" } ?? "")
            let written: Int
            do throws(PostgresError) {
                written = try connection.execute(Statement(name, insert), [.textColumn(batch)])
            } catch {
                // Classes 22 and 23: a value that its type does not take, a row that the table does not take.
                guard let state = error.sqlState, ["22", "23"].contains(state.conditionClass) else {
                    throw ArchiveError(error)
                }
                throw .damaged(line: lines.number, "rows of \(section.name) cannot be stored: \(error.message)")
            }
            guard written == batch.count else {
                throw .damaged(line: lines.number, "rows of \(section.name) belong to nothing")
            }
        }

        mutating func end(_ more: () throws(ArchiveError) -> [UInt8]?) throws(ArchiveError) {
            guard let mark else { throw .cut }
            guard mark == ArchiveMark.end(tallies) else {
                throw .damaged(line: lines.number, "counts or digests are not those of what was read")
            }
            guard try lines.next(more) == nil else {
                throw .damaged(line: lines.number, "something follows the end of the archive")
            }
        }
    }
}

/// Runs `body`, whose failures are those of the store.
private func stored<T>(_ body: () throws(StoreError) -> T) throws(ArchiveError) -> T {
    do throws(StoreError) { return try body() } catch { throw .store(error) }
}
