// Whether the id columns and renames of deps make sense, beyond what versions need.

import JSON

extension FeatureGraph {
    /// What keeps this graph from being worked on, although it has versions.
    ///
    /// All deps of a feature must bring inputs identified by the same columns, its units: the `on` columns of an
    /// expansion if there is one, else the feature's id columns. Filters must be filters. Renames must not merge columns or touch the
    /// system's, and two deps must not bring columns of one name, as far as the definitions alone tell.
    ///
    /// - Returns: the faults in ``order`` of the features; empty when all is well.
    public func admissionProblems() -> [GraphProblem] {
        order.flatMap { key -> [GraphProblem] in
            guard let spec = self[key] else { return [] }
            var admission = DepCheck(spec)
            admission.run { self[$0]?.idColumns ?? [] }
            return admission.problems
        }
    }
}

/// Collects the faults of one feature.
private struct DepCheck {
    private let spec: FeatureSpec
    private(set) var problems: [GraphProblem] = []

    init(_ spec: FeatureSpec) {
        self.spec = spec
    }

    mutating func run(idColumnsOf: (FeatureKey) -> [String]) {
        checkColumns(spec.idColumns, at: "/id_columns")
        let unit = spec.unitColumns
        for (index, dep) in spec.deps.enumerated() {
            let place = JSONPointer("/deps/\(index)")
            let upstream = idColumnsOf(dep.feature)
            checkRenames(of: dep, upstreamIDs: upstream, at: place.appending("rename"))
            checkFilters(of: dep, at: place.appending("sql_filters"))
            let renamed = upstream.map(dep.renamed)
            switch dep.lineage {
            case .identity: checkIdentity(dep, renamed, unit, at: place)
            case .aggregation(let on): checkAggregation(dep, on, unit, at: place)
            case .expansion(let on, _): checkExpansion(dep, on, renamed, unit, at: place)
            }
        }
        checkBroughtColumns(idColumnsOf)
    }

    private mutating func refuse(_ code: GraphProblem.Code, _ pointer: JSONPointer, _ detail: String) {
        problems.append(GraphProblem(code: code, feature: spec.key, pointer: pointer, detail: detail))
    }

    private mutating func checkColumns(_ columns: [String], at place: JSONPointer) {
        var seen: Set<String> = []
        for (index, column) in columns.enumerated() {
            if !seen.insert(column).inserted {
                refuse(.duplicateColumn, place.appending(index), "the column \"\(column)\" comes twice")
            }
            if column.isSystemColumn {
                refuse(.systemColumn, place.appending(index), "\"\(column)\" is a name of the system")
            }
        }
    }

    // MARK: Units

    private mutating func checkIdentity(
        _ dep: FeatureDep, _ renamed: [String], _ unit: [String], at place: JSONPointer
    ) {
        guard Set(renamed) != Set(unit) else { return }
        let columns = unit == spec.idColumns ? "its id columns" : "the columns it expands on"
        refuse(
            .idColumnsMismatch, place.appending("lineage"),
            "\"\(dep.feature)\" is identified by \(renamed.listed), but \"\(spec.key)\" by \(unit.listed), \(columns);"
                + " declare an aggregation (N:1) or an expansion (1:N), or rename")
    }

    private mutating func checkAggregation(
        _ dep: FeatureDep, _ on: [String]?, _ unit: [String], at place: JSONPointer
    ) {
        let place = place.appending("lineage").appending("relationship").appending("on")
        if let on { checkColumns(on, at: place) }
        let columns = on ?? spec.idColumns
        for column in columns where dep.original(column) == nil {
            refuse(
                .idColumnsMismatch, place,
                "\"\(column)\" of \"\(dep.feature)\" is renamed; an aggregation is on the names after the rename")
        }
        guard Set(columns) != Set(unit) else { return }
        refuse(
            .idColumnsMismatch, place,
            "\"\(dep.feature)\" is aggregated on \(columns.listed), but the inputs of \"\(spec.key)\" are identified"
                + " by \(unit.listed)")
    }

    private mutating func checkExpansion(
        _ dep: FeatureDep, _ on: [String], _ renamed: [String], _ unit: [String], at place: JSONPointer
    ) {
        let place = place.appending("lineage").appending("relationship").appending("on")
        checkColumns(on, at: place)
        if Set(on) != Set(renamed) {
            refuse(
                .idColumnsMismatch, place,
                "an expansion is on the id columns of \"\(dep.feature)\", \(renamed.listed), not \(on.listed)")
        } else if !Set(on).isSubset(of: spec.idColumns) {
            refuse(
                .idColumnsMismatch, place,
                "the columns \(on.listed) that \"\(dep.feature)\" is expanded on are not all among the id columns of"
                    + " \"\(spec.key)\", \(spec.idColumns.listed)")
        } else if Set(on) != Set(unit) {
            refuse(
                .idColumnsMismatch, place,
                "\"\(dep.feature)\" is expanded on \(on.listed), but another dep of \"\(spec.key)\" on"
                    + " \(unit.listed)")
        }
    }

    // MARK: Filters

    private mutating func checkFilters(of dep: FeatureDep, at place: JSONPointer) {
        for (index, text) in (dep.sqlFilters ?? []).enumerated() {
            do {
                _ = try Filter(text)
            } catch {
                refuse(.filterSyntax, place.appending(index), "not a filter: \(error)")
            }
        }
    }

    // MARK: Columns

    private mutating func checkRenames(of dep: FeatureDep, upstreamIDs: [String], at place: JSONPointer) {
        guard let renames = dep.rename else { return }
        let renamedAway = Set(renames.map(\.old))
        var taken: [String: String] = [:]
        for column in upstreamIDs where !renamedAway.contains(column) { taken[column] = column }
        for rename in renames {
            let place = place.appending(rename.old)
            if let other = taken.updateValue(rename.old, forKey: rename.new) {
                let detail = "\"\(other)\" and \"\(rename.old)\" of \"\(dep.feature)\" would both be \"\(rename.new)\""
                refuse(.renameClash, place, detail)
            }
            for name in [rename.old, rename.new] where name.isSystemColumn {
                refuse(.systemColumn, place, "\"\(name)\" is a name of the system")
            }
        }
    }

    /// Columns are known where a dep selects them, or gives them a new name; all others only records tell.
    private mutating func checkBroughtColumns(_ idColumnsOf: (FeatureKey) -> [String]) {
        var bringers: [String: FeatureKey] = [:]
        for (index, dep) in spec.deps.enumerated() {
            let ids = Set(idColumnsOf(dep.feature).map(dep.renamed) + spec.idColumns)
            let member = dep.select == nil ? "rename" : "select"
            let known = dep.select ?? dep.rename?.map(\.new) ?? []
            for column in Set(known).subtracting(ids).sorted(by: { $0.precedesByCodePoint($1) }) {
                guard let other = bringers.updateValue(dep.feature, forKey: column) else { continue }
                refuse(
                    .columnClash, JSONPointer("/deps/\(index)/\(member)"),
                    "both \"\(other)\" and \"\(dep.feature)\" bring a column \"\(column)\"; rename one of them")
            }
        }
    }
}

extension FeatureSpec {
    /// Whether a unit of work makes any number of records.
    public var isExpansion: Bool {
        deps.contains { if case .expansion = $0.lineage { true } else { false } }
    }

    /// The columns that identify a unit of work: what one computation takes in. They are the `on` columns of the
    /// first expansion among the deps, or the id columns when there is none.
    public var unitColumns: [String] {
        for dep in deps {
            if case .expansion(let on, _) = dep.lineage { return on }
        }
        return idColumns
    }
}

extension String {
    fileprivate var isSystemColumn: Bool { utf8.starts(with: "metaxy_".utf8) }
}

extension [String] {
    fileprivate var listed: String { "(" + joined(separator: ", ") + ")" }
}
