// Writes what goes into the units of a feature by way of one dep, as one SELECT.

import Feature
import Postgres

/// Writes the live upstream records that pass the filters of a dep, by unit, with the data versions that are used.
///
/// Within an id space the record is the unit. Across, the bytes of the unit's key are taken apart and put together in
/// the upstream's order, which finds the record by its key. In an aggregation the links say which records a unit has.
struct InputSQL {
    let plan: FeaturePlan
    let dep: DepPlan
    let upstream: FeaturePlan

    /// The SELECT: `unit`, and `v<slot>` for each slot of the upstream that some field uses; units in [$1, $2).
    ///
    /// - Returns: nil where a digest is not one that the database has.
    func text(_ parameters: inout SQLParameters) -> String? {
        guard let conditions = conditions(&parameters), let versions = versions() else { return nil }
        let columns = ["\(unit) AS unit"] + versions
        return """
            SELECT \(columns.joined(separator: ", "))
            FROM \(source)\(conditions.lateral)
            WHERE \(([range, "h.state = 0"] + conditions.tests).joined(separator: " AND "))\(grouping)
            """
    }

    private var unit: String {
        switch dep.mapping {
        case .same: "h.rid"
        case .rekeyed: "u.rid"
        case .grouped: "k.unit"
        }
    }

    private var range: String {
        let links = "k.feature_id = \(plan.id) AND k.record_of = \(upstream.id) AND "
        return (dep.isGrouped ? links : "") + "\(unit) >= $1 AND \(unit) < $2"
    }

    private var grouping: String { dep.isGrouped ? "\nGROUP BY k.unit" : "" }

    private var source: String {
        let head = "head_\(upstream.id) h"
        let described =
            dep.filters.isEmpty ? "" : "\nJOIN lineage_\(upstream.id) l ON l.rid = h.rid AND l.entry = h.entry"
        let record = "record_\(upstream.space) r"
        switch dep.mapping {
        case .same:
            return head + (dep.filters.isEmpty ? "" : "\nJOIN \(record) ON r.rid = h.rid") + described
        case .rekeyed(let order):
            let key = KeySQL.reordered("u.key", UnitMapping.inverse(of: order))
            return "record_\(plan.space) u\nJOIN \(record) ON r.key = \(key)\nJOIN \(head) ON h.rid = r.rid" + described
        case .grouped:
            return "link k\nJOIN \(head) ON h.rid = k.rid\nJOIN \(record) ON r.rid = h.rid" + described
        }
    }

    /// The data versions that fields use; of a group, the digest of those that its records have, in the order of keys.
    private func versions() -> [String]? {
        var texts: [String] = []
        for slot in dep.slots.sorted() {
            let version = "(coalesce(h.data_version, h.provenance))[\(slot)]"
            guard dep.isGrouped else {
                texts.append("\(version) AS v\(slot)")
                continue
            }
            let joined = "coalesce(string_agg(\(version), '|' ORDER BY r.key), '')"
            guard let digest = plan.hash.sql(joined) else { return nil }
            texts.append("\(digest) AS v\(slot)")
        }
        return texts
    }

    /// The filters, and the columns that they name, each computed once for a record.
    private func conditions(_ parameters: inout SQLParameters) -> (lateral: String, tests: [String])? {
        guard !dep.filters.isEmpty else { return ("", []) }
        var paths: [ColumnPath] = []
        for path in dep.filters.flatMap(\.columns) where !paths.contains(path) { paths.append(path) }
        paths.sort { $0.joined < $1.joined }
        var columns: [String] = []
        for (index, path) in paths.enumerated() {
            guard let value = value(path, &parameters) else { return nil }
            columns.append("\(value) AS c\(index)")
        }
        var tests: [String] = []
        for filter in dep.filters {
            let sql = filter.sql(firstParameter: parameters.next) { path in
                .value("c.c\(paths.firstIndex(of: path) ?? 0)")
            }
            sql.parameters.forEach { parameters.append($0) }
            tests.append("(\(sql.text))")
        }
        return (columns.isEmpty ? "" : "\nCROSS JOIN LATERAL (SELECT \(columns.joined(separator: ", "))) c", tests)
    }
}

// MARK: - Columns of inputs

extension InputSQL {
    /// A dotted name is a column of that name, or else a member of the column of its first part.
    private func value(_ path: ColumnPath, _ parameters: inout SQLParameters) -> String? {
        guard let whole = column(path.joined, &parameters) else { return nil }
        guard !path.members.isEmpty else { return whole.value }
        guard let first = column(path.column, &parameters) else { return nil }
        let member = path.members.reduce(first.value) { "(\($0) -> \(parameters.bind($1)))" }
        return "CASE WHEN \(whole.exists) THEN \(whole.value) ELSE \(member) END"
    }

    /// A column of the upstream by the name that the dep gives it: of the system, of the id, or of the metadata.
    private func column(_ name: String, _ parameters: inout SQLParameters) -> (value: String, exists: String)? {
        if let column = SystemColumn.allCases.first(where: { dep.spec.systemColumn($0.rawValue) == name }) {
            return system(column, &parameters).map { ($0, "true") }
        }
        if let place = upstream.spec.idColumns.lastIndex(where: { dep.spec.renamed($0) == name }) {
            return ("(r.ids -> \(place))", "true")
        }
        guard let original = dep.spec.original(name) else { return ("NULL::jsonb", "false") }
        let parameter = parameters.bind(original)
        return ("(l.metadata -> \(parameter))", "coalesce(l.metadata ? \(parameter), false)")
    }

    private func system(_ column: SystemColumn, _ parameters: inout SQLParameters) -> String? {
        let isProvenance = column == .provenance || column == .provenanceByField
        let array = isProvenance ? "h.provenance" : "(coalesce(h.data_version, h.provenance))"
        let versions = upstream.fields.map { "\(array)[\($0.slot)]" }
        switch column {
        case .provenanceByField, .dataVersionByField:
            let names = upstream.fields.map { parameters.bind($0.structKey) }
            let (keys, values) = (names.joined(separator: ", "), versions.joined(separator: ", "))
            return "jsonb_object(ARRAY[\(keys)]::text[], ARRAY[\(values)]::text[])"
        case .provenance, .dataVersion:
            return upstream.hash.sql(versions.joined(separator: " || '|' || ")).map { "to_jsonb(\($0))" }
        }
    }
}
