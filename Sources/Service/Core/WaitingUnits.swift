// Parked units that wait for others: they become candidates again once those are settled.

import Feature
import Store

/// Parked units downstream of settled ones.
enum WaitingUnits {
    /// Makes every parked unit downstream of settled units, near or far, a candidate again.
    ///
    /// - Parameter settled: by feature, units that others were waiting for.
    /// - Complexity: a few round trips for each feature downstream.
    static func unpark(
        waitingFor settled: [FeatureID: [RecordID]], _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let mapper = UnitMapper(connection: transaction.connection, catalog: transaction.catalog)
        var open = settled.mapValues(Set.init)
        for key in transaction.catalog.graph.order {
            guard let plan = transaction.catalog[key] else { continue }
            if let units = plan.units, let opened = open[units], !opened.isEmpty {
                let children = try children(of: opened.sorted(), plan, transaction)
                open[plan.id, default: []].formUnion(children)
            }
            guard let records = open[plan.id], !records.isEmpty else { continue }
            for edge in transaction.catalog.downstream(of: plan.id) {
                guard let downstream = transaction.catalog[edge.feature] else {
                    throw .featureNotFound("\(edge.feature)")
                }
                let units = try stored { () throws(StoreError) in
                    try mapper.units(of: records.sorted(), downstream, dep: downstream.deps[edge.dep])
                }
                try transaction.lock(units, of: downstream.id)
                transaction.ledger.update(units, of: downstream.id) { $0.unpark($1) }
                open[downstream.id, default: []].formUnion(units)
            }
        }
    }

    private static func children(
        of units: [RecordID], _ plan: FeaturePlan, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [RecordID] {
        guard let number = plan.units else { return [] }
        return try stored { () throws(StoreError) in
            try LinkTable(transaction.connection, units: number, records: plan.id).records(of: units, space: plan.space)
        }.values.flatMap { $0 }
    }
}
