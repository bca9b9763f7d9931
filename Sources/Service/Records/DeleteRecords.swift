// Soft delete and restore.

public import Feature
import Postgres
public import Store

extension RecordService {
    /// Soft-deletes the live records of a feature that pass every filter: each gets a tombstone, and what depends on
    /// it is judged again.
    ///
    /// A derived record stays suppressed until its inputs change, or until it is restored or written.
    ///
    /// - Parameters:
    ///   - filters: none for all records.
    ///   - isDryRun: true to count only.
    /// - Returns: how many records are, or would be, deleted.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records) to find them; one transaction.
    public func delete(
        _ key: FeatureKey, filters: [Filter], isDryRun: Bool, writer: Writer
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            try transaction.rewrite(key, filters: filters, live: true, isDryRun: isDryRun, writer: writer)
        }
    }

    /// Lifts the soft deletes of a feature's records that pass every filter.
    ///
    /// - Returns: how many records live again.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records) to find them; one transaction.
    public func restore(
        _ key: FeatureKey, filters: [Filter], writer: Writer
    ) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            try transaction.rewrite(key, filters: filters, live: false, isDryRun: false, writer: writer)
        }
    }
}

extension ServiceTransaction {
    /// Turns live records into tombstones, or tombstones into live records, page by page in one transaction.
    fileprivate mutating func rewrite(
        _ key: FeatureKey, filters: [Filter], live: Bool, isDryRun: Bool, writer: Writer
    ) throws(ServiceError) -> Int {
        let plan = try plan(key)
        let connection = connection
        var operation: Int64?
        var count = 0
        var after: RecordID = -1
        while true {
            let page = try stored { () throws(StoreError) in
                try HeadTable(connection, feature: plan.id).page(
                    after: after, limit: TransactionLimits.writeRowsStep, deleted: !live)
            }
            guard let last = page.last else { break }
            after = last.head.record
            let turnable = try live ? page : restorable(page, plan)
            let chosen = try passing(turnable.filter { $0.head.isLive == live }, filters, plan)
            count += chosen.count
            if isDryRun || chosen.isEmpty { continue }
            if operation == nil {
                if plan.isRoot {
                    try stored { () throws(StoreError) in
                        try RootLock(connection, feature: plan.id).enter(isAlone: false)
                    }
                }
                operation = try begin(
                    writer, LoggedChange(live ? .recordsDeleted : .recordsRestored, feature: plan.id))
            }
            let records = chosen.map(\.head.record)
            let units = try childUnits(records, plan)
            try lock(records, of: plan.id)
            let current = try stored { () throws(StoreError) in
                try HeadTable(connection, feature: plan.id).describe(records)
            }
            let still = try passing(
                records.compactMap { current[$0] }.filter { $0.head.isLive == live }, filters, plan)
            count -= chosen.count - still.count
            if live {
                try bury(still, plan, operation ?? 0)
            } else {
                try revive(still, plan, operation ?? 0)
            }
            if let units { try follow(units, live: live, operation ?? 0) }
        }
        if let operation { try complete(operation, ["records": count]) }
        return count
    }

    /// The tombstones that have something to restore: of an erased record nothing is left.
    private func restorable(_ page: [DescribedHead], _ plan: FeaturePlan) throws(ServiceError) -> [DescribedHead] {
        let records = page.filter { !$0.head.isLive }.map(\.head.record)
        let holding = try stored { () throws(StoreError) in
            try ErasureTable(connection, feature: plan.id).holding(records)
        }
        return page.filter { holding.contains($0.head.record) }
    }

    mutating func childUnits(
        _ records: [RecordID], _ plan: FeaturePlan
    ) throws(ServiceError) -> ChildUnits? {
        guard plan.units != nil else { return nil }
        let keys = try keys(records, plan)
        return try ChildUnits(plan, keys, records, &self)
    }

    /// A unit whose last record was deleted is deleted too, and lives again with its first record.
    mutating func follow(_ units: ChildUnits, live: Bool, _ operation: Int64) throws(ServiceError) {
        guard let children = units.plan.children else { return }
        let connection = connection
        let distinct = Set(units.units.values).sorted()
        let (heads, liveRecords) = try stored { () throws(StoreError) in
            let records = try LinkTable(connection, units: units.plan.id, records: children.feature)
                .records(of: distinct, space: children.space)
            let heads = try HeadTable(connection, feature: children.feature).read(records.values.flatMap { $0 })
            return (
                try HeadTable(connection, feature: units.plan.id).describe(distinct),
                records.mapValues { $0.filter { heads[$0]?.isLive == true } }
            )
        }
        let turning = distinct.compactMap { heads[$0] }.filter { described in
            described.head.isLive == live && live == (liveRecords[described.head.record] ?? []).isEmpty
        }
        if live { try bury(turning, units.plan, operation) } else { try revive(turning, units.plan, operation) }
    }

    /// The heads whose row passes every filter.
    func passing(
        _ page: [DescribedHead], _ filters: [Filter], _ plan: FeaturePlan
    ) throws(ServiceError) -> [DescribedHead] {
        guard !filters.isEmpty, !page.isEmpty else { return page }
        let slots = FieldSlots(plan)
        return try stored { () throws(StoreError) in
            let keys = try RecordIDTable(connection, space: plan.space).keys(of: page.map(\.head.record))
            var passing: [DescribedHead] = []
            for described in page {
                guard let key = keys[described.head.record] else { continue }
                if try FilteredRow(described, key: key, plan: plan, slots: slots).passes(filters) {
                    passing.append(described)
                }
            }
            return passing
        }
    }

    /// Appends tombstones. A tombstone carries what the record should have been: while its inputs give the same, the
    /// record stays suppressed. Where it was not expected it carries nothing, and any input is a change.
    ///
    /// - Parameter erasing: whether the tombstones carry nothing of the records themselves.
    mutating func bury(
        _ heads: [DescribedHead], _ plan: FeaturePlan, _ operation: Int64, erasing: Bool = false
    ) throws(ServiceError) {
        var expected: [RecordID: [String?]] = [:]
        if !plan.isRoot && plan.units == nil {
            let evaluator = evaluator
            let records = heads.map(\.head.record)
            let inputs = try stored { () throws(StoreError) in try evaluator.inputs(plan, records) }
            var expecter = Expecter(plan)
            for (record, unitInputs) in inputs {
                let provenance = expecter.expectation(of: unitInputs)?.provenance
                expected[record] = plan.bySlot(provenance ?? plan.fields.map { _ in nil })
            }
        }
        let nothing = plan.bySlot(plan.fields.map { _ in nil })
        let versions = heads.map { described in
            let head = described.head
            return LineageVersion(
                record: head.record, kind: .deleted,
                provenance: expected[head.record] ?? (erasing ? nothing : head.provenance),
                dataVersions: erasing ? nil : head.dataVersions ?? head.provenance, parents: [],
                metadata: erasing ? Array("{}".utf8) : described.metadata)
        }
        let gone = heads.filter(\.head.isLive).map(\.head.record)
        try append(versions, plan, operation, live: [], gone: gone)
    }

    /// Appends, for each tombstone, the version before it once more.
    private mutating func revive(
        _ heads: [DescribedHead], _ plan: FeaturePlan, _ operation: Int64
    ) throws(ServiceError) {
        let connection = connection
        let before = try stored { () throws(StoreError) in
            try LineageQueries(connection, feature: plan.id).beforeTombstone(of: heads.map(\.head.record))
        }
        var byDefinition: [DefinitionID: [LineageVersion]] = [:]
        for described in heads {
            guard let entry = before[described.head.record] else {
                throw .internal("a tombstone with no version before it")
            }
            byDefinition[entry.definition, default: []].append(
                LineageVersion(
                    record: entry.record, kind: .restored, provenance: entry.provenance,
                    dataVersions: entry.dataVersions, parents: entry.parents,
                    metadata: entry.metadata ?? Array("{}".utf8)))
        }
        for (definition, versions) in byDefinition.sorted(by: { $0.key < $1.key }) {
            try append(
                versions, plan, operation, live: versions.map(\.record), gone: [], definition: definition)
        }
    }

    private mutating func append(
        _ versions: [LineageVersion], _ plan: FeaturePlan, _ operation: Int64, live: [RecordID], gone: [RecordID],
        definition: DefinitionID? = nil
    ) throws(ServiceError) {
        let connection = connection
        try stored { () throws(StoreError) in
            try LineageLog(connection, feature: plan.id).append(
                versions, definition: definition ?? plan.definition, slots: plan.slots, operation: operation)
            try PresenceTable(connection).update(plan.id, live: live, gone: gone)
        }
        let records = versions.map(\.record)
        // A root is as its source says, unless it stands under an earlier definition.
        guard plan.units == nil else {
            try propagate(records.map(RecordChange.init(appearance:)), of: plan)
            return
        }
        let isAsSaid = plan.isRoot && definition ?? plan.definition == plan.definition
        ledger.update(records, of: plan.id) { isAsSaid ? $0.markUpToDate($1) : $0.mark($1) }
        try propagate(records.map(RecordChange.init(appearance:)), of: plan)
    }
}
