// One transaction of a use case: the graph it sees, the blocks it has locked, and what it changes in them.

import Feature
import Postgres
import Store

/// A transaction that changes records, work or claims.
struct ServiceTransaction {
    let connection: Connection
    private(set) var catalog: Catalog
    let definitions: DefinitionCache
    let claimMemory: ClaimMemory
    /// The projects whose features can be asked for; what follows from a change is not bound by it.
    let visibleProjects: VisibleProjects
    var ledger = WorkLedger()
    /// What happens to records, counted; it counts once the transaction is committed.
    var tally = WorkTally()
    /// Whether a change was noted: those who wait for changes are to look.
    private(set) var isNoted = false
    /// What became ready by what was written back before the end.
    private var awakened: [FeatureID: ReadyWork] = [:]

    init(
        _ connection: Connection, _ catalog: Catalog, _ definitions: DefinitionCache, _ claimMemory: ClaimMemory,
        _ visibleProjects: VisibleProjects
    ) {
        self.connection = connection
        self.catalog = catalog
        self.definitions = definitions
        self.claimMemory = claimMemory
        self.visibleProjects = visibleProjects
    }

    /// Goes on under the graph that a push has made.
    mutating func moveOn(to catalog: Catalog) {
        self.catalog = catalog
    }

    /// The work bitmaps.
    var blocks: WorkTable { WorkTable(connection, rank: catalog.rank) }

    /// An evaluator of this transaction.
    var evaluator: Evaluator { Evaluator(connection, catalog, definitions) }

    /// The plan of a feature of the current graph.
    func plan(_ feature: FeatureID) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog[feature] else { throw .featureNotFound("\(feature)") }
        return plan
    }

    /// The plan of a feature of the current graph that the caller sees, by key.
    func plan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog[key], sees(key) else { throw .featureNotFound(key.description) }
        return plan
    }

    /// The plan of the units of a feature of the current graph that the caller sees.
    func unitPlan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog.units(of: key), sees(key) else { throw .featureNotFound(key.description) }
        return plan
    }

    /// Notes a change.
    ///
    /// - Returns: the number that its lineage entries carry.
    @discardableResult
    mutating func begin(_ writer: Writer, _ change: LoggedChange) throws(ServiceError) -> Int64 {
        isNoted = true
        do { return try ChangeLog(connection).begin(writer, change) } catch { throw ServiceError(error) }
    }

    /// Notes changes of the same kind, and what each amounted to, under numbers that they have.
    mutating func note(
        _ numbers: [Int64], _ writers: [Writer], _ change: LoggedChange, _ details: [[UInt8]]
    ) throws(ServiceError) {
        isNoted = true
        do { try ChangeLog(connection).note(numbers, writers, change, details: details) } catch {
            throw ServiceError(error)
        }
    }

    /// Notes what a change amounted to.
    func complete(_ operation: Int64, _ detail: KeyValuePairs<String, Int>) throws(ServiceError) {
        try stored { () throws(StoreError) in
            try ChangeLog(connection).complete(operation, detail: ChangeDetail.counts(detail))
        }
    }

    /// Locks the blocks of units.
    mutating func lock(_ units: some Sequence<RecordID>, of feature: FeatureID) throws(ServiceError) {
        try lock(Set(BlockAddress.group(units, of: feature).keys))
    }

    /// Locks the blocks of units, and asks two questions as of after that.
    mutating func lock<A, B>(
        _ units: some Sequence<RecordID>, of feature: FeatureID, asking first: Question<A>, _ second: Question<B>
    ) throws(ServiceError) -> (A, B) {
        let addresses = Set(BlockAddress.group(units, of: feature).keys)
        do { return try blocks.lock(addresses, into: &ledger, asking: first, second) } catch {
            throw ServiceError(error)
        }
    }

    /// Locks blocks.
    mutating func lock(_ addresses: Set<BlockAddress>) throws(ServiceError) {
        do { try blocks.lock(addresses, into: &ledger) } catch { throw ServiceError(error) }
    }

    /// Marks, in each feature directly downstream, the units that use something that changed.
    ///
    /// - Complexity: one round trip within an id space, up to five a dep across.
    mutating func propagate(_ changes: [RecordChange], of plan: FeaturePlan) throws(ServiceError) {
        let marks = try marks(changes, of: plan)
        var addresses: Set<BlockAddress> = []
        let marked = marks.map { BlockAddress.group($0.units, of: $0.feature) }
        for blocks in marked { addresses.formUnion(blocks.keys) }
        try lock(addresses)
        for blocks in marked { for (address, bits) in blocks { ledger.update(address) { $0.mark(bits) } } }
    }

    /// The units, of each feature directly downstream, that use something that changed.
    ///
    /// - Complexity: one round trip within an id space, up to five a dep across.
    mutating func marks(
        _ changes: [RecordChange], of plan: FeaturePlan
    ) throws(ServiceError) -> [(feature: FeatureID, units: [RecordID])] {
        guard !changes.isEmpty else { return [] }
        var marks: [(feature: FeatureID, units: [RecordID])] = []
        for edge in catalog.downstream(of: plan.id) {
            let downstream = try self.plan(edge.feature)
            let dep = downstream.deps[edge.dep]
            let touching = touching(changes, dep)
            tally.add(.unusedFields, changes.count - touching.count, of: downstream.id)
            guard !touching.isEmpty else { continue }
            let moved = try regroup(touching, downstream, dep)
            let units = try units(of: touching.map(\.record), downstream, dep: dep)
            marks.append((downstream.id, moved.isEmpty ? units : Array(moved.union(units))))
        }
        return marks
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

    /// Writes the blocks back, and sees to it that units waiting for what is now settled are judged again.
    ///
    /// - Returns: what can be handed out that could not before.
    mutating func conclude() throws(ServiceError) -> [FeatureID: ReadyWork] {
        let arrived = ledger.takeArrived()
        if !arrived.isEmpty { try unpark(waitingFor: arrived) }
        try flush()
        return awakened
    }

    /// Notes that units can be handed out which could not before, though no block says so.
    mutating func awaken(_ features: some Sequence<FeatureID>) {
        for feature in features { awakened[feature] = awakened[feature].map { $0 + .some } ?? .some }
    }

    /// Writes the blocks back, so that statements find what was changed in them.
    mutating func flush() throws(ServiceError) {
        do { try blocks.flush(ledger) } catch { throw ServiceError(error) }
        awakened.merge(ledger.awakened) { $0 + $1 }
        ledger.noteFlush()
    }

    /// Lets every parked unit downstream, near or far, be judged again.
    private mutating func unpark(waitingFor settled: [FeatureID: [RecordID]]) throws(ServiceError) {
        var open = settled.mapValues(Set.init)
        for key in catalog.graph.order {
            guard let plan = catalog[key] else { continue }
            if let units = plan.units, let opened = open[units], !opened.isEmpty {
                let children = try children(of: opened.sorted(), plan)
                open[plan.id, default: []].formUnion(children)
            }
            guard let records = open[plan.id], !records.isEmpty else { continue }
            for edge in catalog.downstream(of: plan.id) {
                let downstream = try self.plan(edge.feature)
                let units = try units(of: records.sorted(), downstream, dep: downstream.deps[edge.dep])
                try lock(units, of: downstream.id)
                ledger.update(units, of: downstream.id) { $0.unpark($1) }
                open[downstream.id, default: []].formUnion(units)
            }
        }
    }

    private func children(of units: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> [RecordID] {
        guard let number = plan.units else { return [] }
        return try stored { () throws(StoreError) in
            try LinkTable(connection, units: number, records: plan.id).records(of: units, space: plan.space)
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
