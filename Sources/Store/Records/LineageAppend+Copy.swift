// Many versions at once: by COPY, which writes a page of rows at a time into table and log.

public import Feature
import Postgres

extension LineageAppend {
    /// As many versions are worth the round trips of COPY.
    public static let copiedMin = 128

    /// What versions have in common.
    private struct Origin {
        let definition: DefinitionID
        let operations: [Int64]
        let writtenAt: Int64
    }

    /// As `append`, with COPY into the lineage and of new heads.
    func copy(
        _ versions: VersionColumns, _ parents: ParentLists, _ numbers: EntryNumbers, definition: DefinitionID,
        operations: [Int64]
    ) throws(StoreError) {
        let entries = numbers.entries
        let origin = Origin(definition: definition, operations: operations, writtenAt: numbers.writtenAt)
        let current = entries.indices.filter { versions.kind($0) != .late }
        let fresh = current.filter { versions.isFresh[$0] }
        do {
            for rows in Self.pieces(entries.count) { try copyLineage(versions, parents, rows, entries, origin) }
            for rows in Self.pieces(fresh.count) { try copyHeads(versions, fresh[rows], entries, definition) }
        } catch {
            throw StoreError(error)
        }
        if fresh.count < current.count {
            try move(versions, current.filter { !versions.isFresh[$0] }, entries, definition)
        }
    }

    /// How many rows are copied at a time.
    ///
    /// COPY keeps each of the first 1,000 rows in a slot of its own, and PostgreSQL 15 looks for the descriptor of a slot
    /// among those of all of them, twice: a thousand looks a row by a COPY of 1,000 rows, half of it by one of 512.
    private static func pieces(_ count: Int) -> [Range<Int>] {
        let size = count > 2_048 ? count : 512
        return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    /// Locks the lineage, so that a table of it that is closed waits for the transaction, and no entry with an earlier
    /// number comes into it later.
    ///
    /// - Returns: asks for the transaction's time.
    public func opening() -> Question<Int64> {
        let statement = Statement(
            "version_open_\(feature)",
            """
            WITH locked AS (
                INSERT INTO lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind)
                SELECT 0, 0, 0, 0, now(), 0, 0 WHERE false
            )
            SELECT now()
            """)
        return Question(statement: statement, parameters: []) { (rows) throws(StoreError) in
            do throws(PostgresError) {
                for row in rows { return try row.timestamp(0) }
            } catch {
                throw StoreError(error)
            }
            throw .corrupt("the transaction has no time")
        }
    }

    /// Draws numbers for entries, ascending.
    ///
    /// - Parameter isAhead: whether they are drawn in a transaction of their own, for one that has asked for `opening` and is
    ///   not run again where it fails. It does not wait until it is on disk: the log is written in order, so that it is there
    ///   before any entry with one of these numbers, and numbers that a crash gives out again have no entry.
    public static func numbers(_ count: Int, isAhead: Bool = false) -> Question<[EntryID]> {
        let statement = Statement(
            isAhead ? "version_numbers_ahead" : "version_numbers",
            """
            SELECT coalesce(array_agg(nextval('lineage_entry_sequence')), '{}') FROM generate_series(1, $1)\
            \(isAhead ? ", set_config('synchronous_commit', 'off', true)" : "")
            """)
        return Question(statement: statement, parameters: [.int4(Int32(count))]) { (rows) throws(StoreError) in
            do throws(PostgresError) {
                for row in rows { return try row.int8Array(0) }
            } catch {
                throw StoreError(error)
            }
            return []
        }
    }

    /// Locks the lineage, and draws numbers.
    func draw(_ count: Int) throws(StoreError) -> EntryNumbers {
        let (writtenAt, entries) = try connection.ask(opening(), Self.numbers(count))
        guard let numbers = EntryNumbers(entries, count: count, writtenAt: writtenAt) else {
            throw .corrupt("the sequence gave no entries")
        }
        return numbers
    }

    private func copyLineage(
        _ versions: VersionColumns, _ parents: ParentLists, _ rows: Range<Int>, _ entries: [EntryID], _ origin: Origin
    ) throws(PostgresError) {
        try connection.copyIn(
            """
            COPY lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind, provenance, \
            data_version, parents, parent_records, parent_counts, metadata) FROM STDIN (FORMAT binary)
            """
        ) { (writer) throws(PostgresError) in
            for row in rows {
                try writer.row { fields in
                    fields.int8(entries[row])
                    fields.int8(versions.records[row])
                    fields.int8(origin.definition)
                    fields.int8(origin.operations[origin.operations.count == 1 ? 0 : row])
                    fields.timestamp(origin.writtenAt)
                    fields.int4(feature)
                    fields.int2(versions.kind(row).rawValue)
                    fields.textArray(versions.provenance, at: row)
                    Self.dataVersion(versions, row, &fields)
                    Self.parents(parents, row, &fields)
                    fields.jsonb(versions.metadata[row])
                }
            }
        }
    }

    private func copyHeads(
        _ versions: VersionColumns, _ rows: ArraySlice<Int>, _ entries: [EntryID], _ definition: DefinitionID
    ) throws(PostgresError) {
        let (hasFingerprints, hasKeys) = (versions.fingerprints.count > 0, versions.keys.count > 0)
        try connection.copyIn(
            """
            COPY head_\(feature) (rid, entry, definition_id, feature_id, state, provenance, data_version, fingerprint, key) \
            FROM STDIN (FORMAT binary)
            """
        ) { (writer) throws(PostgresError) in
            for row in rows {
                try writer.row { fields in
                    fields.int8(versions.records[row])
                    fields.int8(entries[row])
                    fields.int8(definition)
                    fields.int4(feature)
                    fields.int2(versions.state(row))
                    fields.textArray(versions.provenance, at: row)
                    Self.dataVersion(versions, row, &fields)
                    fields.value(hasFingerprints ? versions.fingerprints[row] : nil)
                    fields.value(hasKeys ? versions.keys[row] : nil)
                }
            }
        }
    }

    private static func dataVersion(_ versions: VersionColumns, _ row: Int, _ fields: inout CopyFields) {
        if versions.isOverridden[row] { fields.textArray(versions.dataVersions, at: row) } else { fields.null() }
    }

    private static func parents(_ parents: ParentLists, _ row: Int, _ fields: inout CopyFields) {
        guard parents.hasDeps(row) else {
            for _ in 0..<3 { fields.null() }
            return
        }
        fields.int8Array(Array(parents.entries(row)))
        if let records = parents.records(row) { fields.int8Array(Array(records)) } else { fields.null() }
        if let counts = parents.counts(row) { fields.append(.int4Array(Array(counts))) } else { fields.null() }
    }

    /// Moves heads that exist already.
    private func move(
        _ versions: VersionColumns, _ rows: [Int], _ entries: [EntryID], _ definition: DefinitionID
    ) throws(StoreError) {
        let slots = versions.provenance.count
        let isOverridden = rows.contains { versions.isOverridden[$0] }
        var parameters: [Parameter] = [
            .int8(definition), .int8Array(rows.map { versions.records[$0] }), .int8Array(rows.map { entries[$0] }),
            .uuidColumn(versions.fingerprints.count > 0 ? versions.fingerprints.picking(rows) : ByteColumn()),
            .boolArray(rows.map { versions.isOverridden[$0] }), .int2Array(rows.map { versions.state($0) }),
        ]
        parameters += versions.provenance.map { .textColumn($0.picking(rows)) }
        for slot in 0..<slots {
            parameters.append(.textColumn(isOverridden ? versions.dataVersions[slot].picking(rows) : ByteColumn()))
        }
        try connection.runLater(moveStatement(slots), parameters)
    }

    private func moveStatement(_ slots: Int) -> Statement {
        let provenance = (0..<slots).map { "p\($0)" }.joined(separator: ", ")
        let dataVersion = (0..<slots).map { "d\($0)" }.joined(separator: ", ")
        // In the list of a SELECT arrays are taken apart as they are read; in FROM each would be put aside whole first.
        let texts = (0..<2 * slots).map { place in
            ", unnest((SELECT $\(7 + place)::text[])) AS \(place < slots ? "p" : "d")\(place % slots)"
        }
        return Statement(
            "version_move_\(feature)_\(slots)",
            """
            UPDATE head_\(feature) h
            SET entry = u.entry, definition_id = $1, state = u.state, provenance = ARRAY[\(provenance)],
                data_version = CASE WHEN u.overridden THEN ARRAY[\(dataVersion)] END, fingerprint = u.fingerprint
            FROM (
                SELECT unnest((SELECT $2::bigint[])) AS rid, unnest((SELECT $3::bigint[])) AS entry,
                       unnest((SELECT $4::uuid[])) AS fingerprint, unnest((SELECT $5::boolean[])) AS overridden,
                       unnest((SELECT $6::smallint[])) AS state\
            \(texts.joined())
            ) u
            WHERE h.rid = u.rid
            """)
    }
}

extension VersionColumns {
    /// The state of the head that a version becomes.
    fileprivate func state(_ row: Int) -> Int16 { kind(row) == .deleted ? 1 : 0 }
}
