// The units of records that are written, deleted or restored directly.

import Feature
import Postgres
import Store

/// The units of some records of an expansion.
///
/// Records that are written directly are added to those of their unit. Only completing a unit replaces them all.
struct ChildUnits {
    /// The plan of the units.
    let plan: FeaturePlan
    /// The unit of each record.
    let units: [RecordID: RecordID]

    /// The units of records by their keys; nil where the feature's records are its units.
    init?(
        _ records: FeaturePlan, _ keys: [RecordKey], _ ids: [RecordID], _ transaction: ServiceTransaction
    ) throws(ServiceError) {
        guard let number = records.units, let plan = transaction.catalog[number], let children = plan.children else {
            return nil
        }
        self.plan = plan
        let connection = transaction.connection
        units = try stored { () throws(StoreError) in
            let unitKeys = keys.map { $0.reordered(children.places) }
            let distinct = Array(Set(unitKeys))
            let found = try RecordIDTable(connection, space: plan.space).intern(distinct)
            let byKey = Dictionary(zip(distinct, found)) { first, _ in first }
            return Dictionary(zip(ids, unitKeys.compactMap { byKey[$0] })) { first, _ in first }
        }
    }

    private init(_ plan: FeaturePlan, _ units: [RecordID: RecordID]) {
        self.plan = plan
        self.units = units
    }

    /// The units of some of the records.
    func picking(_ records: [RecordID]) -> ChildUnits {
        ChildUnits(plan, Dictionary(records.map { ($0, units[$0]) }) { first, _ in first }.compactMapValues { $0 })
    }

    /// Gives units the versions that follow from their written records. Their blocks are locked.
    ///
    /// - Parameters:
    ///   - versions: the versions of the records.
    ///   - doubtful: records that came with a provenance, which a judgement has to check.
    func follow(
        _ versions: [LineageVersion], doubtful: Set<RecordID>, operation: Int64, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let connection = transaction.connection
        let plan = plan
        let distinct = Set(units.values).sorted()
        let heads = try stored { () throws(StoreError) in try HeadTable(connection, feature: plan.id).read(distinct) }
        var written: [RecordID: LineageVersion] = [:]
        for version in versions {
            guard let unit = units[version.record] else { continue }
            written[unit] = LineageVersion(
                record: unit, kind: .written, provenance: version.provenance, dataVersions: nil,
                parents: version.parents, metadata: Array("{}".utf8))
        }
        let changed = distinct.compactMap { written[$0] }.filter { version in
            guard let head = heads[version.record], head.isLive else { return true }
            return head.definition != plan.definition || head.provenance != version.provenance
        }
        let fresh = Set(changed.map(\.record).filter { heads[$0] == nil })
        let appeared = changed.map(\.record).filter { heads[$0]?.isLive != true }
        let access = try transaction.enter(plan)
        let links = units.sorted { $0.key < $1.key }
        transaction.presence.note(access, live: appeared, gone: [])
        try stored { () throws(StoreError) in
            if let children = plan.children {
                try LinkTable(connection, units: plan.id, records: children.feature)
                    .set(links.map(\.key), to: links.map(\.value))
            }
            try LineageAppend(connection, access).append(
                changed, fresh: fresh, definition: plan.definition, slots: plan.slots, operation: operation)
        }
        let marked = Set(doubtful.compactMap { units[$0] })
        transaction.ledger.update(distinct.filter { !marked.contains($0) }, of: plan.id) { $0.markUpToDate($1) }
        transaction.ledger.update(marked, of: plan.id) { $0.mark($1) }
    }
}
