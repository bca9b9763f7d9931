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
    /// The records that it makes live or soft-deletes.
    var presence = PresenceChanges()
    /// What its changes make to be done downstream.
    var downstream = DownstreamMarks()
    /// The features that it may write to.
    private var accesses: [FeatureID: WriteAccess] = [:]
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
}
