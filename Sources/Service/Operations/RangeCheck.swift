// One kind of consistency check over ranges of record ids.

import Feature
import Postgres
import Store

/// A fault of a record; nil for a fault of the feature as a whole.
typealias CheckFault = (record: RecordID?, detail: String)

/// Checks ranges of record ids for contradictions.
struct RangeCheck {
    /// The greatest record id.
    let last: RecordID
    /// How many record ids to check at a time.
    let step: Int
    /// Checks a range. Returns the number of judged units, and the faults.
    let run: (Range<RecordID>) throws(StoreError) -> (checked: Int, wrong: [CheckFault])
    private let connection: Connection
    private let feature: FeatureKey
    private let columns: [String]
    private let space: Int32

    /// A check of the records of `plan`.
    init(
        _ connection: Connection, _ plan: FeaturePlan, last: RecordID, step: Int,
        run: @escaping (Range<RecordID>) throws(StoreError) -> (checked: Int, wrong: [CheckFault])
    ) {
        self.connection = connection
        self.last = last
        self.step = step
        self.run = run
        feature = plan.key
        columns = plan.spec.idColumns
        space = plan.space
    }

    /// The faults with the keys of their records.
    func describe(_ faults: [CheckFault]) throws(StoreError) -> [VerifyMismatch] {
        guard !faults.isEmpty else { return [] }
        let keys = try RecordIDTable(connection, space: space).keys(of: Array(Set(faults.compactMap(\.record))))
        return faults.map { record, detail in
            VerifyMismatch(feature: feature, columns: columns, key: record.flatMap { keys[$0] }, detail: detail)
        }
    }
}
