// Units whose inputs have their own record ids: everything that judging and showing them takes, in one statement.

public import Feature
import Postgres

/// Reads units of a feature all of whose deps stay within its id space and take every record.
///
/// Such a unit and its inputs have one record id, so heads, inputs, keys and metadata come as one row, read in place.
public struct IdentityUnits {
    private let plan: FeaturePlan
    private let columns: IdentityColumns

    /// The most columns that a row may have: PostgreSQL's own limit is 1,664.
    private static let columnsMax = 1_000

    /// Up to how many units are few: these come of changes of a few records, which leave beside the heads where their entries
    /// lie. Where many units are wanted most heads have no such place, and asking each for it makes the statement a twentieth
    /// slower (docs/decisions/0018).
    private static let fewMax = 1_024

    /// The units of `plan`.
    ///
    /// - Returns: nil where some dep has filters, or maps records to units in another way.
    public init?(_ plan: FeaturePlan) {
        let isIdentity = plan.deps.allSatisfy { dep in
            if case .same = dep.mapping { dep.filters.isEmpty } else { false }
        }
        let columns = IdentityColumns(plan)
        guard isIdentity, !plan.isRoot, columns.count <= Self.columnsMax else { return nil }
        self.plan = plan
        self.columns = columns
    }

    /// Units with their heads and inputs: all of `units`, in their order; `.corrupt` where a walk meets no record of one.
    ///
    /// - Parameters:
    ///   - units: ascending, each once.
    ///   - isDescribed: whether keys and metadata are wanted.
    /// - Complexity: an index lookup for each unit and table; where most ids of a range are wanted, a walk along the
    ///   range, which costs half.
    public func rows(_ units: [RecordID], isDescribed: Bool) -> Question<IdentityRows> {
        let walk = RecordWalk(units)
        return Question(
            statement: walk == nil
                ? listStatement(isDescribed, areFew: units.count <= Self.fewMax) : rangeStatement(isDescribed),
            parameters: walk.map { [.int8($0.first), .int8($0.last)] } ?? [.int8Array(units)]
        ) { (rows) throws(StoreError) in
            var records: [RecordID] = []
            records.reserveCapacity(rows.count)
            do throws(PostgresError) {
                for row in rows { records.append(try row.int8(0)) }
            } catch {
                throw StoreError(error)
            }
            return IdentityRows(rows, columns, order: try order(of: units, in: records))
        }
    }

    /// For each unit its row: rows come as the joins make them, and a walk along a range meets others too.
    private func order(of units: [RecordID], in records: [RecordID]) throws(StoreError) -> [Int] {
        if records == units { return Array(records.indices) }
        let sorted = records.indices.sorted { records[$0] < records[$1] }
        var order: [Int] = []
        order.reserveCapacity(units.count)
        var next = 0
        for unit in units {
            while next < sorted.count, records[sorted[next]] < unit { next += 1 }
            guard next < sorted.count, records[sorted[next]] == unit else {
                throw .corrupt("id space \(plan.space) lacks record \(unit)")
            }
            order.append(sorted[next])
        }
        return order
    }

    /// Most heads have their record's key beside them; it is looked up for the others alone.
    private var key: String {
        let heads = (plan.deps.indices.map { "d\($0).key" } + ["h.key"]).joined(separator: ", ")
        return "coalesce(\(heads), (SELECT r.key FROM record_\(plan.space) r WHERE r.rid = u.rid))"
    }

    /// Reads what `rows` would of a few units, for it to be in memory: the heads of the units, and where these have several
    /// inputs those of all, with their metadata. Of one input alone there is no need: what marks a unit has just met it.
    ///
    /// - Returns: asks for how many heads there are.
    /// - Complexity: an index lookup for each unit and table.
    public func ahead(_ units: [RecordID]) -> Question<Int> {
        let inputs = plan.deps.count > 1 ? Array(plan.deps.indices) : []
        let heads = ["h.state"] + inputs.map { "d\($0).state" }
        let list = [heads, inputs.map(placed)].filter { !$0.isEmpty }
            .map { $0.map { "count(\($0))" }.joined(separator: " + ") }
        let statement = Statement(
            "identity_ahead_\(plan.id)_\(plan.definition)",
            "SELECT \(list.joined(separator: ", "))\n\(source(inputs, withEntries: false))")
        return Question(statement: statement, parameters: [.int8Array(units)]) { (rows) throws(StoreError) in
            do throws(PostgresError) { return Int(try rows.single().int8(0)) } catch { throw StoreError(error) }
        }
    }

    private func listStatement(_ isDescribed: Bool, areFew: Bool) -> Statement {
        let isPlaced = isDescribed && areFew
        let inputs = Array(plan.deps.indices)
        let metadata = !isDescribed ? nil : inputs.map { isPlaced ? placed($0) : "l\($0).metadata" }
        return Statement(
            name(isPlaced ? "few" : "list", isDescribed),
            """
            SELECT \(columns.sql(plan, metadata: metadata, key: key))
            \(source(inputs, withEntries: isDescribed && !isPlaced))
            """)
    }

    /// Listed units with their heads and those of some of their inputs, each looked up.
    private func source(_ inputs: [Int], withEntries: Bool) -> String {
        let joins = inputs.map { position in
            let upstream = plan.deps[position].upstream
            return """
                LEFT JOIN head_\(upstream) d\(position) ON d\(position).rid = u.rid AND d\(position).state = 0
                """
                    + (withEntries
                        ? """

                        LEFT JOIN lineage_\(upstream) l\(position)
                            ON l\(position).rid = d\(position).rid AND l\(position).entry = d\(position).entry
                        """ : "")
        }
        return """
            FROM unnest((SELECT $1::bigint[])) AS u (rid)
            LEFT JOIN head_\(plan.id) h ON h.rid = u.rid
            \(joins.joined(separator: "\n"))
            """
    }

    /// The metadata of an input: of its entry where the head says that it lies, or else where the index finds it. What is asked
    /// without need costs an eighth of the statement, so the place is asked for only where there is one.
    private func placed(_ dep: Int) -> String {
        let head = "d\(dep)"
        let entry = "SELECT l.metadata FROM lineage_\(plan.deps[dep].upstream) l WHERE l.entry = \(head).entry"
        return """
            coalesce(
                CASE WHEN \(head).entry_place IS NOT NULL THEN (\(entry) AND l.ctid = \(head).entry_place) END,
                (\(entry) AND l.rid = \(head).rid))
            """
    }

    /// Tables that were just filled have no statistics yet: `state = 0` would pass for a condition that one record in two
    /// hundred meets, and the join become a nested loop over the whole range (50,000 records: 32 s instead of 0.5).
    private func rangeStatement(_ isDescribed: Bool) -> Statement {
        let range = "rid >= $1 AND rid <= $2"
        let joins = plan.deps.indices.map { position in
            let upstream = plan.deps[position].upstream
            return """
                LEFT JOIN (SELECT * FROM head_\(upstream) WHERE \(range) AND state <> 1) d\(position)
                    ON d\(position).rid = u.rid
                """
                    + (isDescribed
                        ? """

                        LEFT JOIN (SELECT * FROM lineage_\(upstream) WHERE \(range)) l\(position)
                            ON l\(position).rid = d\(position).rid AND l\(position).entry = d\(position).entry
                        """ : "")
        }
        let metadata = isDescribed ? plan.deps.indices.map { "l\($0).metadata" } : nil
        return Statement(
            name("range", isDescribed),
            """
            SELECT \(columns.sql(plan, metadata: metadata, key: "u.key"))
            FROM (SELECT rid, key FROM record_\(plan.space) WHERE \(range)) u
            LEFT JOIN (SELECT * FROM head_\(plan.id) WHERE \(range)) h ON h.rid = u.rid
            \(joins.joined(separator: "\n"))
            """)
    }

    /// What is selected depends on the definition.
    private func name(_ shape: String, _ isDescribed: Bool) -> String {
        "identity_\(shape)\(isDescribed ? "_all" : "")_\(plan.id)_\(plan.definition)"
    }
}
