// Consistency checks: compares presence, keys, leases and ready blocks with the tables they are derived from.

public import Feature
public import Postgres

/// A unit whose leased bit differs from the active claims.
public struct LeaseFault: Sendable {
    /// The unit.
    public let unit: RecordID
    /// How many active claims hold it.
    public let claims: Int
}

/// Finds contradictions between the tables of one feature.
public struct ConsistencyChecks {
    private let connection: Connection
    private let feature: FeatureID

    /// Checks of `feature`, which may be the number of its units.
    public init(_ connection: Connection, feature: FeatureID) {
        self.connection = connection
        self.feature = feature
    }

    /// The records of a range whose presence bits differ from their heads.
    ///
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func presenceFaults(_ range: Range<RecordID>) throws(StoreError) -> [RecordID] {
        let statement = Statement.named("audit_presence", feature: feature)
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// The records of a range whose head has another key than the record.
    ///
    /// - Parameter space: the id space of the feature.
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(records of the range).
    public func keyFaults(_ range: Range<RecordID>, space: Int32) throws(StoreError) -> [RecordID] {
        let statement = Statement.named("audit_keys", feature: feature, space: space)
        return try connection.rows(statement, [.int8(range.lowerBound), .int8(range.upperBound)]) {
            row throws(PostgresError) in try row.int8(0)
        }
    }

    /// The number of live records by the presence bitmaps.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; a row for each 1,024 records.
    public func liveBits() throws(StoreError) -> Int {
        try connection.row(.named("audit_live"), [.int4(feature)]) { row throws(PostgresError) in
            Int(try row.int8(0))
        } ?? 0
    }

    /// The units whose leased bit differs from the active claims, and the units that two claims hold.
    ///
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(work blocks and units of active claims).
    public func leaseFaults() throws(StoreError) -> [LeaseFault] {
        try connection.rows(.named("audit_leases"), [.int4(feature)]) { row throws(PostgresError) in
            LeaseFault(unit: try row.int8(0), claims: Int(try row.int8(1)))
        }
    }

    /// The blocks that are ready and not listed as ready, and the other way round.
    ///
    /// - Returns: ascending.
    /// - Throws: `.database`.
    /// - Complexity: one round trip; O(work blocks).
    public func readyFaults() throws(StoreError) -> [Int32] {
        try connection.rows(.named("audit_ready"), [.int4(feature)]) { row throws(PostgresError) in try row.int4(0) }
    }
}
