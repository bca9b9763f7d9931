// The work that changes of records make downstream: collected by a transaction, locked and marked at its end.

import Feature
import Store

/// Units downstream of what a transaction changes.
///
/// They are collected while the transaction writes, and their blocks are locked at its end, feature by feature in the order of
/// the graph. So a transaction of many pages never locks the block of an upstream feature after that of a downstream one.
struct DownstreamMarks {
    /// What is to be done in one feature.
    struct Step {
        let feature: FeatureID
        /// Units that use something that changed.
        let marked: [BlockAddress: BlockBits]
        /// Units that may have waited for something that changed.
        let released: Set<RecordID>

        /// The blocks of all of these.
        var addresses: Set<BlockAddress> {
            Set(marked.keys).union(BlockAddress.group(released, of: feature).keys)
        }
    }

    private var marked: [FeatureID: [BlockAddress: BlockBits]] = [:]
    private var released: [FeatureID: Set<RecordID>] = [:]

    /// Takes units that use something that changed.
    mutating func mark(_ units: some Sequence<RecordID>, of feature: FeatureID) {
        marked[feature, default: [:]].merge(BlockAddress.group(units, of: feature)) { $0 | $1 }
    }

    /// Takes units that may have waited for something that changed.
    mutating func release(_ units: some Sequence<RecordID>, of feature: FeatureID) {
        released[feature, default: []].formUnion(units)
    }

    /// Gives out the features that come next in the order of locking, and can be locked together: marking a unit of one of them may
    /// release units of features behind it, and all of these come after the last of them.
    ///
    /// - Returns: upstream first; nil where nothing is left.
    mutating func next(_ catalog: Catalog) -> [Step]? {
        let features = Set(marked.keys).union(released.keys).sorted { catalog.rank($0) < catalog.rank($1) }
        var steps: [Step] = []
        var bound = Int.max
        for feature in features {
            guard catalog.rank(feature) < bound else { break }
            let records = catalog[feature]?.children?.feature ?? feature
            bound = catalog.downstream(of: records).reduce(bound) { min($0, catalog.rank($1.feature)) }
            steps.append(
                Step(
                    feature: feature, marked: marked.removeValue(forKey: feature) ?? [:],
                    released: released.removeValue(forKey: feature) ?? []))
        }
        return steps.isEmpty ? nil : steps
    }
}

extension ServiceTransaction {
    /// Collects, of each feature directly downstream, the units that use something that changed. They are marked at the end.
    ///
    /// - Complexity: no round trip within an id space, up to five a dep across.
    mutating func propagate(_ changes: [RecordChange], of plan: FeaturePlan) throws(ServiceError) {
        guard !changes.isEmpty else { return }
        for edge in catalog.downstream(of: plan.id) {
            let feature = try self.plan(edge.feature)
            let dep = feature.deps[edge.dep]
            let touching = touching(changes, dep)
            tally.add(.unusedFields, changes.count - touching.count, of: feature.id)
            guard !touching.isEmpty else { continue }
            downstream.mark(try regroup(touching, feature, dep), of: feature.id)
            downstream.mark(try units(of: touching.map(\.record), feature, dep: dep), of: feature.id)
        }
    }

    /// Locks and marks the units that were collected, and releases parked units, near and far, that may have waited for what
    /// changed or for what was marked.
    ///
    /// - Complexity: a round trip for features that can be locked together: one for all where nothing depends on them.
    mutating func settleDownstream() throws(ServiceError) {
        try release(behind: ledger.takeArrived())
        while let steps = downstream.next(catalog) {
            try lock(steps.reduce(into: Set()) { $0.formUnion($1.addresses) })
            for step in steps {
                for (address, bits) in step.marked { ledger.update(address) { $0.mark(bits) } }
                ledger.update(step.released, of: step.feature) { $0.unpark($1) }
            }
            var settled = ledger.takeArrived()
            for step in steps where !step.released.isEmpty { settled[step.feature, default: []] += step.released }
            try release(behind: settled)
        }
    }

    /// Collects the units directly downstream of units that others may wait for.
    private mutating func release(behind units: [FeatureID: [RecordID]]) throws(ServiceError) {
        for (feature, units) in units where !units.isEmpty {
            guard let plan = catalog[feature] else { continue }
            let source = plan.children?.feature ?? feature
            let edges = catalog.downstream(of: source)
            guard !edges.isEmpty else { continue }
            let records = try plan.children == nil ? units : children(of: units, plan)
            for edge in edges {
                let next = try self.plan(edge.feature)
                downstream.release(try self.units(of: records.sorted(), next, dep: next.deps[edge.dep]), of: next.id)
            }
        }
    }

    /// The changes that touch a dep. Most move the same as the one before, whose sets are then the very same.
    private func touching(_ changes: [RecordChange], _ dep: DepPlan) -> [RecordChange] {
        var last: (change: RecordChange, isTouching: Bool)?
        return changes.filter { change in
            if let last, last.change.slots == change.slots, last.change.columns == change.columns {
                return last.isTouching
            }
            let isTouching = change.touches(dep)
            last = (change, isTouching)
            return isTouching
        }
    }

    /// Puts records that appeared, or moved in a column that groups them, into their groups.
    ///
    /// - Returns: the units that got or lost one.
    private func regroup(
        _ changes: [RecordChange], _ plan: FeaturePlan, _ dep: DepPlan
    ) throws(ServiceError) -> Set<RecordID> {
        guard let grouping = Grouping(self, plan, dep) else { return [] }
        let moved = changes.filter { $0.slots == nil || !$0.columns.isDisjoint(with: dep.grouping) }.map(\.record)
        guard !moved.isEmpty else { return [] }
        return try stored { () throws(StoreError) in try grouping.link(moved) }
    }

    private func children(of units: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> [RecordID] {
        guard let children = plan.children else { return [] }
        return try stored { () throws(StoreError) in
            try LinkTable(connection, units: plan.id, records: children.feature).records(
                of: units, space: children.space)
        }.values.flatMap { $0 }
    }

    private func units(
        of records: [RecordID], _ plan: FeaturePlan, dep: DepPlan
    ) throws(ServiceError) -> [RecordID] {
        try stored { () throws(StoreError) in
            try UnitMapper(connection: connection, catalog: catalog).units(of: records, plan, dep: dep)
        }
    }
}
