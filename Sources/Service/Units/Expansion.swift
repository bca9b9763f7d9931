// Replaces the records that units of an expansion expand into.

import Feature
import Postgres
import Store

/// The records that a unit expands into.
struct Expansion {
    /// The unit.
    let unit: RecordID
    /// The provenance of its records, by slot.
    let provenance: [String?]
    /// The upstream entries that they are made from.
    let parents: [[ParentEntry]]
    /// The records.
    let records: [RecordRow]
}

extension ServiceTransaction {
    /// Replaces the records of units. New and changed records get a version, and missing ones a tombstone.
    ///
    /// - Parameters:
    ///   - units: the plan of the units, whose blocks are locked.
    ///   - kind: the kind of the versions of new and changed records.
    mutating func replace(
        _ expansions: [Expansion], of units: FeaturePlan, _ slots: FieldSlots, kind: LineageKind = .computed,
        definition: DefinitionID, operation: Int64
    ) throws(ServiceError) {
        guard let children = units.children, let plan = catalog[children.feature] else {
            throw .internal("\(units.key) is no expansion")
        }
        let faults = expansions.flatMap(\.records).flatMap { slots.faults($0, isProvenanceComplete: false) }
        guard faults.isEmpty else { throw .invalid(faults) }
        let connection = connection
        let links = LinkTable(connection, units: units.id, records: plan.id)
        let rows = expansions.flatMap { expansion in expansion.records.map { (expansion, $0) } }
        let (records, before) = try stored { () throws(StoreError) in
            (
                try RecordIDTable(connection, space: plan.space).intern(rows.map(\.1.key)),
                try links.records(of: expansions.map(\.unit), space: plan.space).values.flatMap { $0 }
            )
        }
        try lock(Set(records).union(before), of: plan.id)
        var set = ChildSet(plan, kind: kind, definition: definition)
        let watched = catalog.watched(of: plan.id)
        let heads = try stored { () throws(StoreError) in
            try HeadTable(connection, feature: plan.id).compare(
                records, metadata: rows.map(\.1.metadata), watched: watched)
        }
        set.add(rows, records, slots, heads: heads)
        let kept = Set(records)
        try set.remove(before.filter { !kept.contains($0) }, self)
        let written = set
        let access = try enter(plan)
        presence.note(access, live: written.appeared, gone: written.gone)
        try stored { () throws(StoreError) in
            try LineageAppend(connection, access).append(
                written.versions, fresh: written.fresh, definition: definition, slots: plan.slots, operation: operation)
            try links.set(records, to: rows.map(\.0.unit))
        }
        try propagate(set.changes, of: plan)
    }
}

/// The versions that turn the records of some units into others.
private struct ChildSet {
    private let plan: FeaturePlan
    private let kind: LineageKind
    private let definition: DefinitionID
    private(set) var versions: [LineageVersion] = []
    private(set) var changes: [RecordChange] = []
    private(set) var appeared: [RecordID] = []
    private(set) var gone: [RecordID] = []
    /// Records that have no head yet.
    private(set) var fresh: Set<RecordID> = []

    init(_ plan: FeaturePlan, kind: LineageKind, definition: DefinitionID) {
        self.plan = plan
        self.kind = kind
        self.definition = definition
    }

    mutating func add(
        _ rows: [(expansion: Expansion, row: RecordRow)], _ records: [RecordID], _ slots: FieldSlots,
        heads: [RecordID: ComparedHead]
    ) {
        for ((expansion, row), record) in zip(rows, records) {
            let dataVersions = slots.dataVersions(row.dataVersions, over: expansion.provenance)
            let known = heads[record]
            if let known, known.head.isLive, known.hasSameMetadata, known.head.definition == definition,
                known.head.provenance == expansion.provenance, known.head.dataVersions == dataVersions
            {
                continue
            }
            versions.append(
                LineageVersion(
                    record: record, kind: kind, provenance: expansion.provenance, dataVersions: dataVersions,
                    parents: expansion.parents, metadata: row.metadata))
            if known == nil { fresh.insert(record) }
            if known?.head.isLive != true { appeared.append(record) }
            let change = RecordChange(
                record, from: known?.head, to: dataVersions ?? expansion.provenance,
                provenance: expansion.provenance, columns: known?.moved ?? [])
            if let change { changes.append(change) }
        }
    }

    mutating func remove(_ records: [RecordID], _ transaction: ServiceTransaction) throws(ServiceError) {
        let feature = plan.id
        let heads = try stored { () throws(StoreError) in
            try HeadTable(transaction.connection, feature: feature).describe(records)
        }
        for record in records {
            guard let described = heads[record], described.head.isLive else { continue }
            let head = described.head
            versions.append(
                LineageVersion(
                    record: record, kind: .deleted, provenance: head.provenance,
                    dataVersions: head.dataVersions, parents: [], metadata: described.metadata))
            gone.append(record)
            changes.append(RecordChange(appearance: record))
        }
    }
}
