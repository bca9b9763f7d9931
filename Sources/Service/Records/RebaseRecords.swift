// Rebase: records of an earlier feature version carried over to the current one without computing them again.

public import Feature
import Postgres
public import Store

/// Which records to carry over.
public struct RebaseRequest: Sendable {
    /// The feature.
    public var feature: FeatureKey
    /// The feature version under which they stand.
    public var from: String
    /// The feature version under which they shall stand; nil for the current one, which it has to be.
    public var to: String?
    /// Whether only to count.
    public var isDryRun: Bool

    /// A request to carry records of `feature` over to its current version.
    public init(feature: FeatureKey, from: String, to: String? = nil, isDryRun: Bool = false) {
        self.feature = feature
        self.from = from
        self.to = to
        self.isDryRun = isDryRun
    }
}

/// What became of the records.
public struct RebaseOutcome: Hashable, Sendable {
    /// The feature version under which they stand now.
    public let featureVersion: String
    /// Units that were, or would be, carried over.
    public var rebased = 0
    /// Units that are already as they would become.
    public var unchanged = 0
    /// Units that stay as they are: their inputs moved or went since they were computed, or a root lacks a field.
    public var skipped = 0
}

extension RecordService {
    /// Says that the data of records is what the current definition would make: they get the provenance of the current
    /// definition, and are up to date. Overridden data versions stay.
    ///
    /// What a rebase cannot say is that other inputs give the same data: a record whose inputs moved since it was
    /// computed is skipped and stays stale. An input that was itself only rebased has not moved. The records of an
    /// expansion go with their unit; they count as one.
    ///
    /// - Returns: how many of what.
    /// - Throws: `.featureNotFound`; `.versionNotFound` for a version that the feature never had; `.invalid` for a target
    ///   that is not current; `.unavailable`.
    /// - Complexity: O(records) to find them; one transaction.
    public func rebase(_ request: RebaseRequest, writer: Writer) async throws(ServiceError) -> RebaseOutcome {
        try await transactions.change { (transaction) throws(ServiceError) in
            var rebase = try Rebase(transaction, request)
            _ = try transaction.run(&rebase, isDryRun: request.isDryRun, writer)
            return rebase.outcome
        }
    }
}

/// A rebase being carried out in one transaction.
private struct Rebase: RecordRewrite {
    /// The plan of the units.
    let plan: FeaturePlan
    /// The plan of the records: another one for an expansion alone.
    private let records: FeaturePlan
    private let definitions: Set<DefinitionID>
    private(set) var outcome: RebaseOutcome

    init(_ transaction: ServiceTransaction, _ request: RebaseRequest) throws(ServiceError) {
        records = try transaction.plan(request.feature)
        plan = try transaction.unitPlan(request.feature)
        let feature = records.id
        func known(_ version: String) throws(ServiceError) -> [DefinitionID] {
            let found = try stored { () throws(StoreError) in
                try Registry(transaction.connection).definitions(of: feature, version: version)
            }
            guard !found.isEmpty else { throw .versionNotFound(version) }
            return found
        }
        definitions = Set(try known(request.from))
        if let to = request.to, to != records.featureVersion {
            _ = try known(to)
            throw .invalid([
                Fault(
                    .pointer("/to"),
                    "\(records.key) is at \(records.featureVersion): records can be carried over to that only")
            ])
        }
        outcome = RebaseOutcome(featureVersion: records.featureVersion)
    }

    var change: LoggedChange { LoggedChange(.recordsRebased, feature: records.id) }
    var includesDeleted: Bool { false }

    func choose(
        _ page: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [DescribedHead] {
        page.filter { $0.head.isLive && definitions.contains($0.head.definition) }
    }

    mutating func count(_ heads: [DescribedHead], _ transaction: ServiceTransaction) throws(ServiceError) -> Int {
        let count = try versions(of: heads, transaction).count
        outcome.rebased += count
        return count
    }

    /// Locks units, and then the records that they have.
    func lock(_ chosen: ChosenRecords, _ transaction: inout ServiceTransaction) throws(ServiceError) {
        try transaction.lock(chosen.addresses)
        guard let children = plan.children else { return }
        var addresses: Set<BlockAddress> = []
        for units in chosen.pages(of: TransactionLimits.writeRowsStep) {
            let links = try links(of: units, children, transaction.connection)
            addresses.formUnion(BlockAddress.group(links.values.joined(), of: children.feature).keys)
        }
        try transaction.lock(addresses)
    }

    mutating func rewrite(
        _ heads: [DescribedHead], _ change: inout PendingChange, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> Int {
        let versions = try versions(of: heads, transaction)
        outcome.rebased += versions.count
        if !versions.isEmpty { try append(versions, heads, try change.begin(&transaction), &transaction) }
        return versions.count
    }

    private mutating func versions(
        of heads: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [LineageVersion] {
        try plan.isRoot ? rootVersions(heads) : derivedVersions(heads, transaction)
    }

    private func links(
        of units: [RecordID], _ children: ChildPlan, _ connection: Connection
    ) throws(ServiceError) -> [RecordID: [RecordID]] {
        try stored { () throws(StoreError) in
            try LinkTable(connection, units: plan.id, records: children.feature).records(
                of: units, space: children.space)
        }
    }

    /// Roots are as their source said, whatever the definition.
    private mutating func rootVersions(_ heads: [DescribedHead]) -> [LineageVersion] {
        var versions: [LineageVersion] = []
        for described in heads {
            let head = described.head
            let provenance = plan.fields.map { head.provenance(at: $0.slot) }
            if head.definition == plan.definition {
                outcome.unchanged += 1
            } else if provenance.contains(nil) {
                outcome.skipped += 1
            } else {
                versions.append(version(of: described, provenance: plan.bySlot(provenance), parents: []))
            }
        }
        return versions
    }

    private mutating func derivedVersions(
        _ heads: [DescribedHead], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [LineageVersion] {
        let units = plan
        let judged = try stored { () throws(StoreError) in
            try transaction.evaluator.compare(units, heads.map(\.head.record))
        }
        let suspects = heads.map(\.head).filter { head in
            judged[head.record]?.judgement.staleFields.contains { $0.causes.contains(.upstream) } ?? false
        }
        let moved = try moved(suspects, judged, transaction)
        var versions: [LineageVersion] = []
        for described in heads {
            let head = described.head
            let judgement = judged[head.record]?.judgement
            let provenance = judgement?.expectation?.provenance ?? []
            guard let expectation = judgement?.expectation, !provenance.contains(nil), !moved.contains(head.record)
            else {
                outcome.skipped += 1
                continue
            }
            if judgement?.state == .upToDate && head.definition == units.definition {
                outcome.unchanged += 1
                continue
            }
            versions.append(
                version(of: described, provenance: units.bySlot(provenance), parents: expectation.parents))
        }
        return versions
    }

    /// The same data under the current definition: overridden data versions stay, the others follow the provenance.
    private func version(
        of described: DescribedHead, provenance: [String?], parents: [[ParentEntry]]
    ) -> LineageVersion {
        let head = described.head
        var data = provenance
        for slot in provenance.indices.map({ Slot($0 + 1) }) where provenance[Int(slot) - 1] != nil {
            if let version = head.dataVersion(at: slot), version != head.provenance(at: slot) {
                data[Int(slot) - 1] = version
            }
        }
        return LineageVersion(
            record: head.record, kind: .rebased, provenance: provenance,
            dataVersions: data == provenance ? nil : data, parents: parents, metadata: described.metadata)
    }
}

// MARK: - Inputs that moved

extension Rebase {
    /// Of units whose inputs look moved: those that were made from other data than there is now.
    private func moved(
        _ heads: [Head], _ judged: [RecordID: JudgedUnit], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> Set<RecordID> {
        guard !heads.isEmpty else { return [] }
        let units = plan
        let (entries, earlier) = try stored { () throws(StoreError) in
            (
                try LineageQueries(transaction.connection, feature: units.id).entries(
                    heads.map { ParentEntry(entry: $0.entry, record: $0.record) }),
                try transaction.definitions.definitions(Set(heads.map(\.definition)), Registry(transaction.connection))
            )
        }
        var moved: Set<RecordID> = []
        var asked: [Int: [ParentEntry: [RecordID]]] = [:]
        for head in heads {
            let parents = entries[head.entry]?.parents ?? []
            guard !parents.isEmpty, let inputs = judged[head.record]?.inputs else {
                // What it was made from is not known: that the provenance differs is all there is to go by.
                moved.insert(head.record)
                continue
            }
            let upstreams = earlier[head.definition]?.upstreams ?? []
            for (position, dep) in units.deps.enumerated() {
                guard let index = upstreams.firstIndex(of: dep.spec.feature), index < parents.count else { continue }
                let before = Dictionary(parents[index].filter { $0.entry != 0 }.map { ($0.record, $0.entry) }) { $1 }
                let now = Dictionary(inputs.deps[position].map { ($0.record, $0.entry) }) { $1 }
                if Set(before.keys) != Set(now.keys) { moved.insert(head.record) }
                for (record, entry) in before where now[record] != entry {
                    asked[position, default: [:]][ParentEntry(entry: entry, record: record), default: []]
                        .append(head.record)
                }
            }
        }
        for (position, parents) in asked {
            let upstream = units.deps[position].upstream
            let found = try stored { () throws(StoreError) in
                try LineageQueries(transaction.connection, feature: upstream).moved(since: Array(parents.keys))
            }
            for parent in found { moved.formUnion(parents[parent] ?? []) }
        }
        return moved
    }
}

// MARK: - Writing

extension Rebase {
    private func append(
        _ versions: [LineageVersion], _ heads: [DescribedHead], _ operation: Int64,
        _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let (connection, units) = (transaction.connection, plan)
        let access = try transaction.enter(units)
        do throws(StoreError) {
            try LineageAppend(connection, access).append(
                versions, fresh: [], definition: units.definition, slots: units.slots, operation: operation)
            try FailureTable(connection, feature: units.id).clear(versions.map(\.record), &transaction.ledger)
        } catch {
            throw ServiceError(error)
        }
        transaction.ledger.update(versions.map(\.record), of: units.id) { $0.markUpToDate($1) }
        guard let children = units.children else {
            return try transaction.propagate(Self.changes(versions, heads), of: units)
        }
        try appendChildren(versions, children, operation, &transaction)
    }

    /// The records of an expansion have the provenance of their unit.
    private func appendChildren(
        _ versions: [LineageVersion], _ children: ChildPlan, _ operation: Int64, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let (connection, records) = (transaction.connection, records)
        let links = try links(of: versions.map(\.record), children, connection)
        let heads = try stored { () throws(StoreError) in
            try HeadTable(connection, feature: records.id).describe(links.values.flatMap { $0 })
        }
        var rebased: [LineageVersion] = []
        for unit in versions {
            for record in links[unit.record] ?? [] {
                guard let described = heads[record], described.head.isLive else { continue }
                rebased.append(version(of: described, provenance: unit.provenance, parents: unit.parents))
            }
        }
        let access = try transaction.enter(records)
        try stored { [rebased] () throws(StoreError) in
            try LineageAppend(connection, access).append(
                rebased, fresh: [], definition: records.definition, slots: records.slots, operation: operation)
        }
        try transaction.propagate(Self.changes(rebased, Array(heads.values)), of: records)
    }

    private static func changes(_ versions: [LineageVersion], _ heads: [DescribedHead]) -> [RecordChange] {
        let before = Dictionary(heads.map { ($0.head.record, $0.head) }) { first, _ in first }
        return versions.compactMap { version in
            RecordChange(
                version.record, from: before[version.record], to: version.dataVersions ?? version.provenance,
                provenance: version.provenance, columns: [])
        }
    }
}
