// Writes what the units of a feature should be, and how they stand, as one SELECT.

import Feature
import Postgres

/// Writes the judgement of a derived feature's units as SQL, from the plan that `Expecter` follows in process.
///
/// Each dep becomes a common table expression of its inputs, each field one digest over their columns. Of what comes
/// from a client, names and texts are parameters; the rest of the SQL has integers only.
struct ExpectationSQL {
    /// The SQL. Its rows: how many units were judged in all, and a unit, its state and its expected provenance; one row
    /// with nulls where no unit is listed.
    let text: String
    /// What to bind: $1 and $2 stand for the first unit and the one behind the last, $3 for the stride of the units that
    /// are listed in any case.
    let parameters: [Parameter]

    /// The judgement of the units of `plan`.
    ///
    /// - Parameter upstreams: the plans of the upstreams, by dep.
    /// - Returns: nil where PostgreSQL cannot compute it: it has no xxHash, and no text with U+0000.
    init?(_ plan: FeaturePlan, upstreams: [FeaturePlan], units: Range<RecordID>, stride: Int64) {
        var parameters = SQLParameters(
            after: [.int8(units.lowerBound), .int8(units.upperBound), .int8(stride)])
        var inputs: [String] = []
        for (position, dep) in plan.deps.enumerated() {
            let input = InputSQL(plan: plan, dep: dep, upstream: upstreams[position])
            guard let text = input.text(&parameters) else { return nil }
            inputs.append("d\(position) AS MATERIALIZED (\n\(text)\n)")
        }
        var fields: [String] = []
        for field in plan.fields {
            guard let digest = plan.hash.sql(Self.hashed(field, &parameters)) else { return nil }
            fields.append(digest)
        }
        guard parameters.areSendable else { return nil }
        self.parameters = parameters.values
        text = Self.select(plan, inputs: inputs, expected: fields)
    }

    /// What is hashed for a field: null where an input has no data version that it needs.
    private static func hashed(_ field: FieldPlan, _ parameters: inout SQLParameters) -> String {
        var lead = "\(field.formula.field)|\(field.formula.codeVersion)"
        var pieces: [String] = []
        for (input, parent) in zip(field.formula.parents, field.parents) {
            let version = "d\(parent.dep).v\(parent.slot)"
            pieces.append(parameters.bind("\(lead)|\(input.reference)|"))
            pieces.append(input.isOptional ? "coalesce(\(version), '')" : version)
            lead = ""
        }
        return pieces.isEmpty ? parameters.bind(lead) : pieces.joined(separator: " || ")
    }

    private static func select(_ plan: FeaturePlan, inputs: [String], expected: [String]) -> String {
        let units = plan.deps.indices.map { "UNION SELECT unit FROM d\($0)" }.joined(separator: " ")
        let joins = plan.deps.indices.map { "\nLEFT JOIN d\($0) ON d\($0).unit = u.unit" }.joined()
        let actual = plan.fields.map { "h.provenance[\($0.slot)]" }.joined(separator: ", ")
        return """
            WITH \(inputs.joined(separator: ", ")), h AS MATERIALIZED (
            SELECT rid, state, provenance FROM head_\(plan.id) WHERE rid >= $1 AND rid < $2
            ), joined AS (
            SELECT u.unit, h.state, \(isExpected(plan)) AS is_expected,
                   ARRAY[
                \(expected.joined(separator: ",\n    "))
            ]::text[] AS expected, ARRAY[\(actual)]::text[] AS actual
            FROM (SELECT rid AS unit FROM h \(units)) u LEFT JOIN h ON h.rid = u.unit\(joins)
            ), judged AS MATERIALIZED (
            SELECT j.unit, CASE WHEN j.is_expected THEN j.expected END AS expected,
                   CASE WHEN NOT j.is_expected THEN CASE WHEN j.state = 0 THEN 'orphaned' ELSE 'absent' END
                        WHEN j.state IS NULL THEN 'new'
                        WHEN j.expected = j.actual AND array_position(j.expected, NULL) IS NULL
                        THEN CASE j.state WHEN 0 THEN 'up_to_date' ELSE 'suppressed' END
                        ELSE CASE j.state WHEN 0 THEN 'stale' ELSE 'new' END END AS state,
                   coalesce(get_bit(w.dirty | w.leased | w.parked, (j.unit & 1023)::integer) = 1, false) AS candidate,
                   coalesce(get_bit(w.parked, (j.unit & 1023)::integer) = 1, false) AS parked
            FROM joined j LEFT JOIN work w ON w.feature_id = \(plan.id) AND w.block = (j.unit >> 10)::integer
            )
            SELECT c.count, j.unit, j.state, j.expected
            FROM (SELECT count(*) FROM judged) c LEFT JOIN judged j
                ON j.unit % $3 = 0 OR (j.state IN ('new', 'stale') AND (j.parked OR NOT j.candidate))
                   OR (j.state = 'orphaned' AND NOT j.candidate)
            """
    }

    /// Every required input is there; where all are optional, any.
    private static func isExpected(_ plan: FeaturePlan) -> String {
        let required = plan.deps.indices.filter { !plan.deps[$0].isOptional }
        let present = (required.isEmpty ? Array(plan.deps.indices) : required).map { "d\($0).unit IS NOT NULL" }
        return "(\(present.joined(separator: required.isEmpty ? " OR " : " AND ")))"
    }
}
