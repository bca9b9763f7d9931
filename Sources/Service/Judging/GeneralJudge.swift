// Judges units of any feature one by one: groups, filters, other id spaces, and what columns do not tell.

import Feature
import Store

/// Judges units by `Evaluator`.
struct GeneralJudge: UnitJudge {
    private let transaction: ServiceTransaction
    private let plan: FeaturePlan
    private(set) var evaluator: Evaluator

    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan) {
        self.transaction = transaction
        self.plan = plan
        evaluator = transaction.evaluator
    }

    var revertible: [FeatureID: Set<RecordID>] { evaluator.revertible }

    /// - Complexity: that of `Evaluator.judge`, and a round trip for the failures.
    mutating func judge(
        _ units: [RecordID], isDescribed: Bool, hasFailures: Bool
    ) throws(ServiceError) -> (judged: JudgedRows, failures: [RecordID: Failure]) {
        guard !units.isEmpty else { return (JudgedRows(fields: plan.fields.count), [:]) }
        let judged = try judge(units, isDescribed: isDescribed)
        guard hasFailures else { return (judged, [:]) }
        return (
            judged,
            try stored { () throws(StoreError) in try FailureTable(transaction.connection, feature: plan.id).read(units)
            }
        )
    }

    /// Judges units without asking for their failures.
    mutating func judge(_ units: [RecordID], isDescribed: Bool) throws(ServiceError) -> JudgedRows {
        let judged: [RecordID: JudgedUnit]
        do { judged = try evaluator.judge(plan, units) } catch { throw ServiceError(error) }
        var described: [RecordID: IncrementRecord] = [:]
        if isDescribed {
            let open = units.compactMap { unit in
                judged[unit].flatMap { $0.kind == nil ? nil : (unit, $0) }
            }
            for record in try IncrementDescriber(transaction).describe(plan, open) { described[record.record] = record }
        }
        var rows = JudgedRows(fields: plan.fields.count)
        for unit in units {
            guard let known = judged[unit] else { throw .internal("unit \(unit) was not judged") }
            rows.append(unit, known, described[unit], deps: plan.deps.count)
        }
        return rows
    }
}
