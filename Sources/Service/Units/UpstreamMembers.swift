// The metadata columns that inputs bring to a row, written as members of a JSON object.

import Feature
import JSON
import Store

/// Writes the columns of a unit's inputs, renamed and selected as its deps declare.
struct UpstreamMembers {
    private let deps: [DepPlan]
    /// Deps that bring their columns as they are.
    private let isPlain: [Bool]

    init(_ plan: FeaturePlan) {
        deps = plan.deps
        isPlain = plan.deps.map { $0.spec.select == nil && ($0.spec.rename ?? []).isEmpty }
    }

    /// Appends the members for one unit.
    ///
    /// Two deps may bring columns of one name: that of the later one then carries its upstream's key.
    func write(_ rows: IdentityRows, _ unit: Int, into output: inout [UInt8]) throws(StoreError) {
        if deps.count == 1, isPlain[0] { return Self.copyMembers(rows, unit, into: &output) }
        var columns: [RowColumn] = []
        for (position, dep) in deps.enumerated() {
            var metadata: [UInt8] = []
            guard rows.appendMetadata(unit, dep: position, to: &metadata) else { continue }
            columns += IncrementDescriber.distinct(
                try IncrementDescriber.columns(metadata, dep), from: columns, dep)
        }
        var writer = JSONWriter()
        for column in columns {
            writer.key(column.name)
            writer.raw(column.value)
        }
        output.append(contentsOf: writer.bytes)
    }

    /// What stands between the braces of an object as PostgreSQL writes it.
    private static func copyMembers(_ rows: IdentityRows, _ unit: Int, into output: inout [UInt8]) {
        let start = output.count
        guard rows.appendMetadata(unit, dep: 0, to: &output) else { return }
        output.removeLast()
        output.remove(at: start)
    }
}
