// The append-only lineage of a feature, written together with the heads.

public import Feature
public import Postgres

/// Appends versions to the lineage of one feature and moves the heads to them.
public struct LineageLog {
    private let connection: Connection
    private let feature: FeatureID

    /// The lineage of `feature`.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// Appends `versions`, at most one of each record, under one definition.
    ///
    /// Entries are numbered in the order given. One statement writes lineage and heads, so neither is seen alone.
    ///
    /// - Parameters:
    ///   - slots: how many slots the feature has: the length of each version's `provenance`.
    ///   - operation: from `ChangeLog.begin`.
    /// - Throws: `.database`.
    /// - Complexity: no round trip of its own; O(versions · slots).
    public func append(
        _ versions: [LineageVersion], definition: DefinitionID, slots: Int, operation: Int64
    ) throws(StoreError) {
        guard !versions.isEmpty else { return }
        let parents = ParentColumns(versions)
        var parameters: [Parameter] = [
            .int8(definition), .int8(operation),
            .int8Array(versions.map(\.record)), .int2Array(versions.map(\.kind.rawValue)),
            .jsonbArray(versions.map(\.metadata)), .boolArray(versions.map(\.becomesHead)),
            .boolArray(versions.map { $0.dataVersions != nil }),
            .int8Array(parents.entries), .int8Array(parents.records), .int4Array(parents.counts),
            .int4Array(parents.entryEnds), .int4Array(parents.countEnds), .boolArray(parents.isOwnRecord),
            .boolArray(parents.isSingle),
        ]
        let overrides = versions.contains { $0.dataVersions != nil }
        for slot in 0..<slots {
            parameters.append(
                .textArrayOptional(versions.map { slot < $0.provenance.count ? $0.provenance[slot] : nil }))
        }
        for slot in 0..<slots {
            parameters.append(.textArrayOptional(overrides ? versions.map { Self.dataVersion($0, slot) } : []))
        }
        try connection.runLater(statement(slots: slots), parameters)
    }

    private static func dataVersion(_ version: LineageVersion, _ slot: Int) -> String? {
        guard let values = version.dataVersions, slot < values.count else { return nil }
        return values[slot]
    }

    /// Texts of one slot are one array parameter each: slicing one flat array would cost O(rows²), since the elements
    /// of a text array have no fixed width. Parent entries have one, so they are sliced.
    private func statement(slots: Int) -> Statement {
        let provenance = (0..<slots).map { "p\($0)" }.joined(separator: ", ")
        let dataVersion = (0..<slots).map { "d\($0)" }.joined(separator: ", ")
        let arrays = (0..<2 * slots).map { "$\(15 + $0)::text[]" }.joined(separator: ", ")
        return Statement(
            "lineage_append_\(feature)_\(slots)",
            """
            WITH input AS MATERIALIZED (
                SELECT nextval('lineage_entry_sequence') AS entry, i.rid, i.kind, i.metadata, i.becomes_head,
                       ARRAY[\(provenance)] AS provenance,
                       CASE WHEN i.overridden THEN ARRAY[\(dataVersion)] END AS data_version,
                       ($8::bigint[])[i.first_entry + 1 : i.last_entry] AS parents,
                       CASE WHEN NOT i.own THEN ($9::bigint[])[i.first_entry + 1 : i.last_entry] END AS parent_records,
                       CASE WHEN NOT i.single THEN ($10::integer[])[i.first_count + 1 : i.last_count] END AS parent_counts,
                       i.last_count > i.first_count AS has_parents
                FROM (
                    SELECT *, lag(last_entry, 1, 0) OVER (ORDER BY ordinal) AS first_entry,
                              lag(last_count, 1, 0) OVER (ORDER BY ordinal) AS first_count
                    FROM unnest($3::bigint[], $4::smallint[], $5::jsonb[], $6::boolean[], $7::boolean[],
                                $11::integer[], $12::integer[], $13::boolean[], $14::boolean[], \(arrays)) WITH ORDINALITY
                        AS u (rid, kind, metadata, becomes_head, overridden, last_entry, last_count, own, single,
                              \(provenance), \(dataVersion), ordinal)
                    ORDER BY ordinal
                ) i
            ), appended AS (
                INSERT INTO lineage_\(feature) (entry, rid, definition_id, operation_id, written_at, feature_id, kind,
                    provenance, data_version, parents, parent_records, parent_counts, metadata)
                SELECT entry, rid, $1, $2, now(), \(feature), kind, provenance, data_version,
                       CASE WHEN has_parents THEN parents END, CASE WHEN has_parents THEN parent_records END,
                       parent_counts, metadata
                FROM input
            )
            INSERT INTO head_\(feature) AS h
                (rid, entry, definition_id, feature_id, state, provenance, data_version)
            SELECT rid, entry, $1, \(feature), CASE WHEN kind = 3 THEN 1 ELSE 0 END, provenance, data_version
            FROM input WHERE becomes_head
            ON CONFLICT (rid) DO UPDATE SET entry = excluded.entry, definition_id = excluded.definition_id,
                state = excluded.state, provenance = excluded.provenance, data_version = excluded.data_version,
                fingerprint = NULL
            """)
    }
}

/// The parents of many versions, flattened: each version's run ends where `entryEnds` and `countEnds` say.
private struct ParentColumns {
    var entries: [EntryID] = []
    var records: [RecordID] = []
    var counts: [Int32] = []
    var entryEnds: [Int32] = []
    var countEnds: [Int32] = []
    var isOwnRecord: [Bool] = []
    var isSingle: [Bool] = []

    init(_ versions: [LineageVersion]) {
        for version in versions {
            var own = true
            for dep in version.parents {
                counts.append(Int32(dep.count))
                for parent in dep {
                    entries.append(parent.entry)
                    records.append(parent.record)
                    own = own && (parent.record == version.record || parent.entry == 0)
                }
            }
            entryEnds.append(Int32(entries.count))
            countEnds.append(Int32(counts.count))
            isOwnRecord.append(own)
            isSingle.append(version.parents.allSatisfy { $0.count == 1 })
        }
    }
}
