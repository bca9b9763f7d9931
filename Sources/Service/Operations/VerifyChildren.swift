// Checks the records of an expansion against their units.

import Feature
import Store

extension RangeCheck {
    /// Checks that the records which `units` expand into agree with the presence bitmaps and with their units.
    ///
    /// - Returns: nil where the feature is no expansion.
    static func children(_ transaction: ServiceTransaction, _ units: FeaturePlan) throws(StoreError) -> RangeCheck? {
        guard let children = units.children, let plan = transaction.catalog[children.feature] else { return nil }
        let last = try RecordIDTable(transaction.connection, space: plan.space).last()
        return RangeCheck(transaction.connection, plan, last: last, step: TransactionLimits.verifyJudgedMax) {
            range throws(StoreError) in (0, try childFaults(transaction, units, plan, children, range))
        }
    }

    /// Bitmaps that disagree with heads, records that are linked to the wrong unit, and live records of units that are not
    /// live.
    private static func childFaults(
        _ transaction: ServiceTransaction, _ units: FeaturePlan, _ plan: FeaturePlan, _ children: ChildPlan,
        _ range: Range<RecordID>
    ) throws(StoreError) -> [CheckFault] {
        let connection = transaction.connection
        var wrong: [CheckFault] = try .ofHeads(ConsistencyChecks(connection, feature: plan.id), plan, range)
        let heads = HeadTable(connection, feature: plan.id)
        let records = try heads.all(in: range)
        let current = try heads.read(records)
        let keys = try RecordIDTable(connection, space: plan.space).keys(of: records)
        let links = try LinkTable(connection, units: units.id, records: plan.id).all(in: range)
        let linked = Array(Set(links.values))
        let unitHeads = try HeadTable(connection, feature: units.id).read(linked)
        let unitKeys = try RecordIDTable(connection, space: units.space).keys(of: linked)
        for record in records {
            let unit = links[record]
            if unit.flatMap({ unitKeys[$0] }) != keys[record]?.reordered(children.places) {
                wrong.append((record, "linked to another unit than its ids say"))
            }
            if current[record]?.isLive == true, unit.flatMap({ unitHeads[$0] })?.isLive != true {
                wrong.append((record, "live, but its unit is not"))
            }
        }
        return wrong
    }
}
