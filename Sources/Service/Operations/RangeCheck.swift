// One kind of look through a range of record ids.

import Feature
import Postgres
import Store

/// A record with what is wrong about it; nil stands for the feature as a whole.
typealias AuditFault = (record: RecordID?, detail: String)

/// Looks for contradictions in ranges of record ids.
struct RangeCheck {
    /// The largest record id that there is.
    let last: RecordID
    /// How many record ids to look through at a time.
    let step: Int
    /// Looks through a range: how many units were judged, and what is wrong.
    let run: (Range<RecordID>) throws(StoreError) -> (checked: Int, wrong: [AuditFault])
    private let connection: Connection
    private let feature: FeatureKey
    private let columns: [String]
    private let space: Int32

    /// A look at the records of `plan`.
    init(
        _ connection: Connection, _ plan: FeaturePlan, last: RecordID, step: Int,
        run: @escaping (Range<RecordID>) throws(StoreError) -> (checked: Int, wrong: [AuditFault])
    ) {
        self.connection = connection
        self.last = last
        self.step = step
        self.run = run
        feature = plan.key
        columns = plan.spec.idColumns
        space = plan.space
    }

    /// Names the records of faults by their keys.
    func describe(_ faults: [AuditFault]) throws(StoreError) -> [VerifyMismatch] {
        guard !faults.isEmpty else { return [] }
        let keys = try RecordIDTable(connection, space: space).keys(of: Array(Set(faults.compactMap(\.record))))
        return faults.map { record, detail in
            VerifyMismatch(feature: feature, columns: columns, key: record.flatMap { keys[$0] }, detail: detail)
        }
    }
}
