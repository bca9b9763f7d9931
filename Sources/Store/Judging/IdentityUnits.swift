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
            statement: walk == nil ? listStatement(isDescribed) : rangeStatement(isDescribed),
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

    private func listStatement(_ isDescribed: Bool) -> Statement {
        let joins = plan.deps.indices.map { position in
            let upstream = plan.deps[position].upstream
            return """
                LEFT JOIN head_\(upstream) d\(position) ON d\(position).rid = u.rid AND d\(position).state = 0
                """
                    + (isDescribed
                        ? """

                        LEFT JOIN lineage_\(upstream) l\(position)
                            ON l\(position).rid = d\(position).rid AND l\(position).entry = d\(position).entry
                        """ : "")
        }
        let metadata = isDescribed ? plan.deps.indices.map { "l\($0).metadata" } : nil
        return Statement(
            name("list", isDescribed),
            """
            SELECT \(columns.sql(plan, metadata: metadata, key: key))
            FROM unnest((SELECT $1::bigint[])) AS u (rid)
            LEFT JOIN head_\(plan.id) h ON h.rid = u.rid
            \(joins.joined(separator: "\n"))
            """)
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
