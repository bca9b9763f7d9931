// Links between records and units, where the record id does not give the unit.

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
        return try pairs(.named("link_units"), parameters).reduce(into: [:]) { $0[$1.record] = $1.unit }
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
        let statement = Statement.named("link_records", space: space)
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
        return try pairs(.named("link_range"), parameters).reduce(into: [:]) { $0[$1.record] = $1.unit }
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
                .named("link_set"),
                [.int4(feature), .int4(upstream), .int8Array(linked.map(\.0)), .int8Array(linked.map(\.1))])
        }
        if !loose.isEmpty {
            try connection.run(.named("link_remove"), [.int4(feature), .int4(upstream), .int8Array(loose)])
        }
    }

    /// Removes all links.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(links).
    public func clear() throws(StoreError) {
        try connection.run(.named("link_clear"), [.int4(feature), .int4(upstream)])
    }

    private func pairs(
        _ statement: Statement, _ parameters: [Parameter]
    ) throws(StoreError) -> [(record: RecordID, unit: RecordID)] {
        try connection.rows(statement, parameters) { row throws(PostgresError) in (try row.int8(0), try row.int8(1)) }
    }
}
