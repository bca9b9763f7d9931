// The columns that rows of a feature can have, as far as its definition says.

import Feature

/// The columns that the rows of a feature's units can have. Which they do have is the records' own to say.
struct RowColumns {
    private let plan: FeaturePlan
    /// By dep; nil where the graph lacks one.
    private let upstreams: [FeaturePlan?]

    init(_ plan: FeaturePlan, _ catalog: Catalog) {
        self.plan = plan
        upstreams = plan.deps.map { catalog[$0.upstream] }
    }

    /// Whether some row can have a column.
    func contains(_ name: String) -> Bool {
        plan.spec.idColumns.contains(name)
            || plan.deps.indices.contains { dep in
                if brings(dep, name) { return true }
                // What an earlier dep has brought under the same name carries its upstream's key behind it.
                let suffix = plan.deps[dep].spec.systemColumn("")
                guard name.hasSuffix(suffix) else { return false }
                let short = String(name.dropLast(suffix.count))
                return brings(dep, short) && (0..<dep).contains { brings($0, short) }
            }
    }

    /// What is known of them, in words.
    var described: String {
        let brought = plan.deps.indices.flatMap { dep in
            groupIDs(dep) + (plan.deps[dep].spec.select ?? ["the columns of \(plan.deps[dep].spec.feature) as renamed"])
        }
        var names: [String] = []
        for name in plan.spec.idColumns + brought where !names.contains(name) { names.append(name) }
        return names.prefix(TransactionLimits.faultsMax).joined(separator: ", ")
    }

    private func brings(_ position: Int, _ name: String) -> Bool {
        let dep = plan.deps[position]
        guard !plan.spec.idColumns.contains(name) else { return false }
        return groupIDs(position).contains(name)
            || dep.spec.select?.contains(name) ?? true && dep.spec.original(name) != nil
    }

    /// The id columns that come as lists, of the records that make a unit.
    private func groupIDs(_ position: Int) -> [String] {
        let dep = plan.deps[position]
        guard dep.isGrouped, let upstream = upstreams[position] else { return [] }
        return upstream.spec.idColumns.map(dep.spec.renamed).filter { !plan.spec.idColumns.contains($0) }
    }
}
