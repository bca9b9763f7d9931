// Tombstones: appended to records that are deleted or erased, and lifted from records that are restored.

import Feature
import Store

extension ServiceTransaction {
    /// The units of records of an expansion; nil where the records are the units.
    func childUnits(_ records: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> ChildUnits? {
        guard plan.units != nil else { return nil }
        return try ChildUnits(plan, try keys(records, plan), records, self)
    }

    /// Locks records that get or lose a tombstone, and their units.
    mutating func lock(_ chosen: ChosenRecords, of plan: FeaturePlan) throws(ServiceError) {
        var addresses = chosen.addresses
        if plan.units != nil {
            for records in chosen.pages(of: TransactionLimits.writeRowsStep) {
                guard let units = try childUnits(records, plan) else { continue }
                addresses.formUnion(BlockAddress.group(units.units.values, of: units.plan.id).keys)
            }
        }
        try lock(addresses)
    }

    /// A unit whose last record was deleted is deleted too, and lives again with its first record.
    mutating func follow(_ records: [RecordID], of plan: FeaturePlan, live: Bool, _ operation: Int64)
        throws(ServiceError)
    {
        guard let units = try childUnits(records, plan), let children = units.plan.children else { return }
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
    mutating func revive(_ heads: [DescribedHead], _ plan: FeaturePlan, _ operation: Int64) throws(ServiceError) {
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

    /// Appends versions of records that have a head, and marks what follows from them.
    private mutating func append(
        _ versions: [LineageVersion], _ plan: FeaturePlan, _ operation: Int64, live: [RecordID], gone: [RecordID],
        definition: DefinitionID? = nil
    ) throws(ServiceError) {
        let connection = connection
        let access = try enter(plan)
        presence.note(access, live: live, gone: gone)
        try stored { () throws(StoreError) in
            try LineageAppend(connection, access).append(
                versions, fresh: [], definition: definition ?? plan.definition, slots: plan.slots, operation: operation)
        }
        let records = versions.map(\.record)
        if plan.units == nil {
            // A root is as its source says, unless it is restored under an earlier definition.
            let isAsSaid = plan.isRoot && definition ?? plan.definition == plan.definition
            ledger.update(records, of: plan.id) { isAsSaid ? $0.markUpToDate($1) : $0.mark($1) }
        }
        try propagate(records.map(RecordChange.init(appearance:)), of: plan)
    }
}
