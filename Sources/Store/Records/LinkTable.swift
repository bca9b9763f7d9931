// Which unit a record belongs to, where that does not follow from its id.

public import Feature
public import Postgres

/// Reads and writes the links between the records of one feature and the units of another.
public struct LinkTable {
    private let connection: Connection
    private let feature: FeatureID
    private let upstream: FeatureID

    /// The links between records of `upstream` and units of `feature`.
    public init(_ connection: Connection, units feature: FeatureID, records upstream: FeatureID) {
        self.connection = connection
        self.feature = feature
        self.upstream = upstream
    }

    /// The unit of each record.
    ///
    /// - Parameter records: records of the upstream.
    /// - Returns: by record; one that belongs to no unit is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; an index lookup for each record.
    public func units(of records: [RecordID]) throws(StoreError) -> [RecordID: RecordID] {
        let parameters: [Parameter] = [.int4(feature), .int4(upstream), .int8Array(records)]
        return try pairs(Self.unitsStatement, parameters).reduce(into: [:]) { $0[$1.record] = $1.unit }
    }

    /// The records of each unit, in the order of their keys.
    ///
    /// - Parameters:
    ///   - units: units of the feature.
    ///   - space: the id space of the records.
    /// - Returns: by unit; one without records is absent.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; two index lookups for each record, and their sorting.
    public func records(of units: [RecordID], space: Int32) throws(StoreError) -> [RecordID: [RecordID]] {
        let statement = Statement(
            "link_records_\(space)",
            """
            SELECT l.rid, l.unit FROM unnest((SELECT $3::bigint[])) AS u (unit)
            JOIN link l ON l.feature_id = $1 AND l.record_of = $2 AND l.unit = u.unit
            JOIN record_\(space) r ON r.rid = l.rid
            ORDER BY l.unit, r.key
            """)
        let parameters: [Parameter] = [.int4(feature), .int4(upstream), .int8Array(units)]
        return try pairs(statement, parameters).reduce(into: [:]) { $0[$1.unit, default: []].append($1.record) }
    }

    /// The links of the records of a range.
    ///
    /// - Returns: the unit of each record that has one.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(links of the range).
    public func all(in range: Range<RecordID>) throws(StoreError) -> [RecordID: RecordID] {
        let parameters: [Parameter] = [
            .int4(feature), .int4(upstream), .int8(range.lowerBound), .int8(range.upperBound),
        ]
        return try pairs(Self.rangeStatement, parameters).reduce(into: [:]) { $0[$1.record] = $1.unit }
    }

    /// Moves records to units.
    ///
    /// - Parameters:
    ///   - records: distinct records.
    ///   - units: the unit of each; nil for none.
    /// - Throws: `.database`.
    /// - Complexity: two round trips; a row for each record.
    public func set(_ records: [RecordID], to units: [RecordID?]) throws(StoreError) {
        let linked = zip(records, units).compactMap { record, unit in unit.map { (record, $0) } }
        let loose = zip(records, units).filter { $0.1 == nil }.map(\.0)
        if !linked.isEmpty {
            try connection.run(
                Self.setStatement,
                [.int4(feature), .int4(upstream), .int8Array(linked.map(\.0)), .int8Array(linked.map(\.1))])
        }
        if !loose.isEmpty {
            try connection.run(Self.removeStatement, [.int4(feature), .int4(upstream), .int8Array(loose)])
        }
    }

    /// Removes all links.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(links).
    public func clear() throws(StoreError) {
        try connection.run(Self.clearStatement, [.int4(feature), .int4(upstream)])
    }

    private func pairs(
        _ statement: Statement, _ parameters: [Parameter]
    ) throws(StoreError) -> [(record: RecordID, unit: RecordID)] {
        try connection.rows(statement, parameters) { row throws(PostgresError) in (try row.int8(0), try row.int8(1)) }
    }
}

extension LinkTable {
    private static let unitsStatement = Statement(
        "link_units",
        """
        SELECT l.rid, l.unit FROM unnest((SELECT $3::bigint[])) AS u (rid)
        JOIN link l ON l.feature_id = $1 AND l.record_of = $2 AND l.rid = u.rid
        """)

    private static let rangeStatement = Statement(
        "link_range",
        "SELECT rid, unit FROM link WHERE feature_id = $1 AND record_of = $2 AND rid >= $3 AND rid < $4")

    private static let setStatement = Statement(
        "link_set",
        """
        INSERT INTO link AS l (rid, unit, feature_id, record_of)
        SELECT u.rid, u.unit, $1, $2 FROM unnest($3::bigint[], $4::bigint[]) AS u (rid, unit) ORDER BY u.rid
        ON CONFLICT (feature_id, record_of, rid) DO UPDATE SET unit = excluded.unit WHERE l.unit <> excluded.unit
        """)

    private static let removeStatement = Statement(
        "link_remove", "DELETE FROM link WHERE feature_id = $1 AND record_of = $2 AND rid = ANY ($3::bigint[])")

    private static let clearStatement = Statement(
        "link_clear", "DELETE FROM link WHERE feature_id = $1 AND record_of = $2")
}
