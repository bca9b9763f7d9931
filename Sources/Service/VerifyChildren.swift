// Checks the records of an expansion against their units.

import Feature
import Store

/// The verification of the records that units expand into, in one snapshot.
struct ChildVerification {
    private let scope: Scope
    private let units: FeaturePlan
    private let plan: FeaturePlan
    private let children: ChildPlan

    /// The records of `units`; nil where the feature is no expansion.
    init?(_ scope: Scope, _ units: FeaturePlan) {
        guard let children = units.children, let plan = scope.catalog[children.feature] else { return nil }
        self.scope = scope
        self.units = units
        self.plan = plan
        self.children = children
    }

    /// What is wrong: bitmaps that disagree with heads, records linked to another unit than their ids say, and live
    /// records of units that are not.
    func run() throws(ServiceError) -> [VerifyMismatch] {
        do {
            let connection = scope.connection
            let heads = Heads(connection, feature: plan.id)
            let records = try heads.all()
            let current = try heads.read(records)
            let keys = try RecordIDs(connection, space: plan.space).keys(of: records)
            let links = try Links(connection, units: units.id, records: plan.id).all()
            let unitHeads = try Heads(connection, feature: units.id).read(Array(Set(links.values)))
            let unitKeys = try RecordIDs(connection, space: units.space).keys(of: Array(Set(links.values)))
            let presence = try Presences(connection).read(plan.id)
            var wrong: [VerifyMismatch] = []
            for record in records {
                let address = BlockAddress(feature: plan.id, record: record)
                let isLive = current[record]?.isLive == true
                let bits = presence[address]
                var faults: [String] = []
                if bits?.live.contains(record.offsetInBlock) != isLive
                    || bits?.gone.contains(record.offsetInBlock) == isLive
                {
                    faults.append("the presence bitmap disagrees with the head")
                }
                let unit = links[record]
                if unit.flatMap({ unitKeys[$0] }) != keys[record]?.reordered(children.places) {
                    faults.append("linked to another unit than its ids say")
                }
                if isLive, unit.flatMap({ unitHeads[$0] })?.isLive != true {
                    faults.append("live, but its unit is not")
                }
                wrong += faults.map {
                    VerifyMismatch(feature: plan.key, columns: children.idColumns, key: keys[record], detail: $0)
                }
            }
            return wrong
        } catch {
            throw ServiceError(error)
        }
    }
}
