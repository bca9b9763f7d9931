// The columns of a group of upstream records: an array for each.

import Feature
import JSON
import Store

/// Combines the columns of a group's records into arrays.
struct GroupColumns {
    /// The upstream's id columns that are not columns of the unit: their renamed names and positions in the key.
    private let ids: [(name: String, index: Int)]
    private let keys: [RecordID: RecordKey]
    private let unitColumns: Set<String>

    /// The columns of groups that `dep` makes of `records`.
    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan, _ dep: DepPlan, _ records: [RecordID])
        throws(StoreError)
    {
        guard let upstream = transaction.catalog[dep.upstream] else {
            throw .corrupt("\(dep.spec.feature) has no plan")
        }
        unitColumns = Set(plan.spec.unitColumns)
        ids = upstream.spec.idColumns.enumerated().map { (dep.spec.renamed($1), $0) }
            .filter { !plan.spec.unitColumns.contains($0.0) }
        keys = try RecordIDTable(transaction.connection, space: upstream.space).keys(of: records)
    }

    /// The columns of a group of one, as they are.
    func columns(ofOne records: [(record: RecordID, columns: [RowColumn])]) -> [RowColumn] {
        guard let (record, columns) = records.first else { return [] }
        let own = ids.map { name, index in RowColumn(name: name, value: value(of: record, at: index)) }
        return own + columns.filter { !unitColumns.contains($0.name) }
    }

    private func value(of record: RecordID, at index: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(keys[record]?.values[index].json ?? .null)
        return writer.bytes
    }

    /// One array for each column that any of the records has; null where one lacks it. The columns of the unit's key
    /// are the same in all and left out.
    ///
    /// - Parameter records: the group in its order, each record with its metadata columns.
    func columns(of records: [(record: RecordID, columns: [RowColumn])]) -> [RowColumn] {
        var names = ids.map(\.name)
        var values: [[String: [UInt8]]] = []
        for (record, columns) in records {
            var row: [String: [UInt8]] = [:]
            for (name, index) in ids { row[name] = value(of: record, at: index) }
            for column in columns where !unitColumns.contains(column.name) {
                if !names.contains(column.name) { names.append(column.name) }
                row[column.name] = column.value
            }
            values.append(row)
        }
        return names.map { name in
            let list = values.map { $0[name] ?? Array("null".utf8) }.joined(separator: [UInt8(ascii: ",")])
            return RowColumn(name: name, value: [UInt8(ascii: "[")] + list + [UInt8(ascii: "]")])
        }
    }
}
