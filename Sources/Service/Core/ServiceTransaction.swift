// One transaction of a use case: its graph, its locked blocks, its changes to them, and its entries in the log of changes.

import Feature
import Postgres
import Store

/// A transaction that changes records, work or claims.
struct ServiceTransaction {
    let connection: Connection
    private(set) var catalog: Catalog
    let definitions: DefinitionCache
    /// The projects whose features the caller may name. Marks go to features of every project.
    let visibleProjects: VisibleProjects
    var ledger = WorkLedger()
    /// The records that it makes live or soft-deletes.
    var presence = PresenceChanges()
    /// What its changes make to be done downstream.
    var downstream = DownstreamMarks()
    /// The features that it may write to.
    private var accesses: [FeatureID: WriteAccess] = [:]
    /// Counts of what happens to records. They are added to the process's tally after the commit.
    var tally = WorkTally()
    /// Whether the log of changes got an entry, so that tasks which wait for changes have to be woken.
    private(set) var isNoted = false
    /// Work that became ready when blocks were written back before the end.
    private var awakened: [FeatureID: ReadyWork] = [:]

    init(
        _ connection: Connection, _ catalog: Catalog, _ definitions: DefinitionCache,
        _ visibleProjects: VisibleProjects
    ) {
        self.connection = connection
        self.catalog = catalog
        self.definitions = definitions
        self.visibleProjects = visibleProjects
    }

    /// Continues under the graph that a push has made.
    mutating func moveOn(to catalog: Catalog) {
        self.catalog = catalog
    }

    /// The work bitmaps.
    var blocks: WorkTable { WorkTable(connection, rank: catalog.rank) }

    /// An evaluator of this transaction.
    var evaluator: Evaluator { Evaluator(connection, catalog, definitions) }

    /// The current graph as the caller sees it.
    var visible: VisibleCatalog { VisibleCatalog(catalog: catalog, projects: visibleProjects) }

    /// The plan of a feature of the current graph.
    ///
    /// - Throws: `.featureNotFound`.
    func plan(_ feature: FeatureID) throws(ServiceError) -> FeaturePlan {
        guard let plan = catalog[feature] else { throw .featureNotFound("\(feature)") }
        return plan
    }

    /// The plan of a visible feature.
    ///
    /// - Throws: `.featureNotFound`.
    func plan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan { try visible.plan(key) }

    /// The plan of the units of a visible feature.
    ///
    /// - Throws: `.featureNotFound`.
    func unitPlan(_ key: FeatureKey) throws(ServiceError) -> FeaturePlan { try visible.unitPlan(key) }

    /// Enters a change in the log of changes.
    ///
    /// - Returns: the number that the change's lineage entries carry.
    @discardableResult
    mutating func begin(_ writer: Writer, _ change: LoggedChange) throws(ServiceError) -> Int64 {
        isNoted = true
        do { return try ChangeLog(connection).begin(writer, change) } catch { throw ServiceError(error) }
    }

    /// Enters changes of one kind in the log, with their details, under numbers that were drawn before.
    mutating func note(
        _ numbers: [Int64], _ writers: [Writer], _ change: LoggedChange, _ details: [[UInt8]]
    ) throws(ServiceError) {
        isNoted = true
        do { try ChangeLog(connection).note(numbers, writers, change, details: details) } catch {
            throw ServiceError(error)
        }
    }

    /// Adds the counts of a change to its entry in the log.
    func complete(_ operation: Int64, _ detail: KeyValuePairs<String, Int>) throws(ServiceError) {
        try stored { () throws(StoreError) in
            try ChangeLog(connection).complete(operation, detail: ChangeDetail.counts(detail))
        }
    }

    /// Locks the blocks of units.
    mutating func lock(_ units: some Sequence<RecordID>, of feature: FeatureID) throws(ServiceError) {
        try lock(Set(BlockAddress.group(units, of: feature).keys))
    }

    /// Locks the blocks of units, and then asks two questions in the same round trip.
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

    /// Locks the blocks of records, and those of their units.
    mutating func lock(_ records: [RecordID], of plan: FeaturePlan, with units: ChildUnits?) throws(ServiceError) {
        var addresses = Set(BlockAddress.group(records, of: plan.id).keys)
        if let units { addresses.formUnion(BlockAddress.group(units.units.values, of: units.plan.id).keys) }
        try lock(addresses)
    }

    /// The right to write records of a feature. Taken before any block is locked where the feature is a root: a long write
    /// holds the root while it waits for blocks.
    ///
    /// - Parameter isAlone: whether this is a long write.
    /// - Complexity: no round trip of its own.
    mutating func enter(_ plan: FeaturePlan, isAlone: Bool = false) throws(ServiceError) -> WriteAccess {
        if let known = accesses[plan.id], known.isAlone || !isAlone { return known }
        assert(!plan.isRoot || ledger.isEmpty, "the root \(plan.key) is entered after blocks were locked")
        let connection = connection
        let access = try stored { () throws(StoreError) in
            try WriteAccess.enter(plan, isAlone: isAlone, connection)
        }
        accesses[plan.id] = access
        return access
    }

    /// Marks and releases the units downstream, and writes presence and blocks back.
    ///
    /// - Returns: what can be handed out that could not before.
    mutating func conclude() throws(ServiceError) -> [FeatureID: ReadyWork] {
        try settleDownstream()
        try stored { [presence, connection] () throws(StoreError) in try PresenceTable(connection).update(presence) }
        try flush()
        return awakened
    }

    /// Reports features whose units can be handed out now, though none of their blocks has changed.
    mutating func awaken(_ features: some Sequence<FeatureID>) {
        for feature in features { awakened[feature] = awakened[feature].map { $0 + .some } ?? .some }
    }

    /// Writes the blocks back, so that later statements read the changed state.
    mutating func flush() throws(ServiceError) {
        do { try blocks.flush(ledger) } catch { throw ServiceError(error) }
        awakened.merge(ledger.awakened) { $0 + $1 }
        ledger.noteFlush()
    }

    /// The keys of records, in the order given.
    ///
    /// - Complexity: one round trip, none for no records.
    func keys(_ records: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> [RecordKey] {
        guard !records.isEmpty else { return [] }
        let keys = try stored { () throws(StoreError) in
            try RecordIDTable(connection, space: plan.space).keys(of: records)
        }
        return records.compactMap { keys[$0] }
    }
}
