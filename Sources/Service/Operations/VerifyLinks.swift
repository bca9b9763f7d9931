// Checks that every upstream record belongs to the right unit.

import Feature
import Store

extension RangeCheck {
    /// Checks that each upstream record of a dep is linked to the right unit.
    ///
    /// - Returns: nil for a dep within an id space, which needs no links.
    static func links(_ transaction: ServiceTransaction, _ plan: FeaturePlan, dep position: Int) throws(StoreError)
        -> RangeCheck?
    {
        // A push may have taken the dep away.
        guard plan.deps.indices.contains(position) else { return nil }
        let dep = plan.deps[position]
        guard dep.mapping != .same, let upstream = transaction.catalog[dep.upstream] else { return nil }
        let last = try HeadTable(transaction.connection, feature: dep.upstream).last()
        return RangeCheck(transaction.connection, upstream, last: last, step: TransactionLimits.verifyJudgedMax) {
            range throws(StoreError) in
            if let grouping = Grouping(transaction, plan, dep) {
                return (0, try groupFaults(transaction, plan, dep, grouping, range))
            }
            return (0, try unitFaults(transaction, plan, dep, upstream, range))
        }
    }

    /// Checks that every record is linked to the group of its columns, and that there is no other link.
    private static func groupFaults(
        _ transaction: ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan, _ grouping: Grouping,
        _ range: Range<RecordID>
    ) throws(StoreError) -> [CheckFault] {
        var wrong: [CheckFault] = []
        var links = try LinkTable(transaction.connection, units: plan.id, records: dep.upstream).all(in: range)
        let records = try HeadTable(transaction.connection, feature: dep.upstream).all(in: range)
        let keys = try grouping.keys(of: records)
        let found = try RecordIDTable(transaction.connection, space: plan.space).find(
            records.map { keys[$0]?.encoded ?? [] })
        for (record, unit) in zip(records, found) {
            if keys[record] != nil && unit == nil {
                wrong.append((record, "its group in \(plan.key) has no record id"))
            }
            if links.removeValue(forKey: record) != unit {
                wrong.append((record, "linked to another group of \(plan.key) than its columns say"))
            }
        }
        for record in links.keys.sorted() {
            wrong.append((record, "linked to a group of \(plan.key) without a version"))
        }
        return wrong
    }

    /// Checks that every live record which makes a unit expected has a unit with a record id.
    private static func unitFaults(
        _ transaction: ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan, _ upstream: FeaturePlan,
        _ range: Range<RecordID>
    ) throws(StoreError) -> [CheckFault] {
        guard case .rekeyed(let order) = dep.mapping, !dep.isOptional || plan.deps.allSatisfy(\.isOptional) else {
            return []
        }
        let heads = HeadTable(transaction.connection, feature: upstream.id)
        let live = try heads.read(heads.all(in: range)).filter(\.value.isLive).keys.sorted()
        let keys = try RecordIDTable(transaction.connection, space: upstream.space).keys(of: live)
        let units = try RecordIDTable(transaction.connection, space: plan.space).find(
            live.map { keys[$0]?.reordered(order).encoded ?? [] })
        return zip(live, units).filter { $0.1 == nil }.map { ($0.0, "its unit in \(plan.key) has no record id") }
    }
}
