// Judges the units of a feature in the database: the judgement of the service, computed in SQL.

public import Feature
public import Postgres

/// A unit with the database's judgement.
public struct ListedUnit: Sendable {
    /// The unit.
    public let unit: RecordID
    /// The state.
    public let state: UnitState
    /// Its expected provenance, by field in the order of `FeaturePlan.fields`; nil where it is not expected.
    public let expected: [String?]?
}

/// Judges the units of a derived feature in the database.
public struct ExpectationQueries {
    private let connection: Connection
    private let plan: FeaturePlan
    private let upstreams: [FeaturePlan]

    /// The units of `plan`.
    ///
    /// - Parameter upstreams: the plans of the upstreams, by dep.
    public init(_ connection: Connection, _ plan: FeaturePlan, upstreams: [FeaturePlan]) {
        self.connection = connection
        self.plan = plan
        self.upstreams = upstreams
    }

    /// Judges all units of a range. Lists the units that need work and are no candidates, the parked units that need
    /// work, and every `stride`-th unit.
    ///
    /// The statement is planned for the range. It is not compiled: PostgreSQL may take minutes to compile a statement that
    /// runs for milliseconds.
    ///
    /// - Returns: the number of judged units, and the listed units in no order. Nil where PostgreSQL cannot compute the
    ///   judgement: it has no xxHash, and no text with U+0000.
    /// - Throws: `.database`.
    /// - Complexity: two round trips; O(units and inputs of the range), which the database holds in memory.
    public func judge(
        _ range: Range<RecordID>, stride: Int64
    ) throws(StoreError) -> (count: Int, listed: [ListedUnit])? {
        guard let sql = ExpectationSQL(plan, upstreams: upstreams, units: range, stride: stride) else { return nil }
        try connection.run(.named("expectation_interpret"))
        let statement = Statement("expectation_judge_\(plan.id)", sql.text, prepare: false)
        var count = 0
        let rows = try connection.rows(statement, sql.parameters) { row throws(PostgresError) -> ListedUnit? in
            count = Int(try row.int8(0))
            guard let unit = try row.int8OrNil(1) else { return nil }
            guard let state = UnitState(rawValue: try row.text(2)) else {
                throw PostgresError(.decode, "a unit has a state that this program does not know")
            }
            return ListedUnit(unit: unit, state: state, expected: try row.textArrayOrNil(3))
        }
        return (count, rows.compactMap { $0 })
    }
}
