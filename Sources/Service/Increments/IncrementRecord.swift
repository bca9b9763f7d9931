// A record of an increment, as a worker sees it.

public import Feature
import JSON
import Postgres
import Store

/// A column of a row: its name and its value as JSON text.
public struct RowColumn: Hashable, Sendable {
    /// The column's name.
    public let name: String
    /// Its value, compact JSON.
    public let value: [UInt8]
}

/// One record of an increment, with what a worker needs to compute it.
public struct IncrementRecord: Sendable {
    /// The record; -1 for a sample that was never stored.
    public let record: RecordID
    /// The values of its id columns, in the order of the spec.
    public let key: RecordKey
    /// How it stands: new, stale or orphaned, also where it is blocked.
    public let state: UnitState
    /// Whether its inputs are not settled.
    public let isBlocked: Bool
    /// The metadata columns of its upstreams, renamed and selected as declared; its own where it is orphaned. Where a
    /// group of upstream records goes into it, each column is the array of the records' values, in the group's order.
    public let columns: [RowColumn]
    /// Its fields that are not as they should be.
    public let staleFields: [StaleField]
    /// The provenance it should have, by field in the order of `FeaturePlan.fields`; what it has where it is orphaned.
    public let provenance: [String?]
    /// The provenance of the record as a whole.
    public let recordProvenance: String?
}

/// Completes judged units to what a worker sees.
struct IncrementDescriber {
    private let transaction: ServiceTransaction

    init(_ transaction: ServiceTransaction) {
        self.transaction = transaction
    }

    /// The units as records, in the order given.
    ///
    /// - Parameter isSplit: whether a group has a row for each of its upstream records.
    /// - Complexity: one round trip and two a dep.
    func describe(
        _ plan: FeaturePlan, _ units: [(RecordID, JudgedUnit)], isSplit: Bool = false
    ) throws(ServiceError) -> [IncrementRecord] {
        guard !units.isEmpty else { return [] }
        let rows = isSplit ? units.flatMap { unit, judged in judged.split(plan).map { (unit, $0) } } : units
        do {
            let keys = try RecordIDTable(transaction.connection, space: plan.space).keys(of: units.map(\.0))
            let columns = try upstreamColumns(plan, rows, isSplit: isSplit)
            if isSplit { try refuseClashes(plan, columns) }
            let own = try ownColumns(plan, units)
            var expecter = Expecter(plan)
            return zip(rows, columns).map { row, columns in
                let (unit, judged) = row
                let provenance =
                    judged.judgement.expectation?.provenance
                    ?? plan.fields.map { judged.head?.provenance(at: $0.slot) }
                return IncrementRecord(
                    record: unit, key: keys[unit] ?? RecordKey([]), state: judged.state,
                    isBlocked: !judged.blockers.isEmpty, columns: own[unit] ?? columns,
                    staleFields: judged.judgement.staleFields, provenance: provenance,
                    recordProvenance: expecter.recordVersion(provenance))
            }
        } catch let error as StoreError {
            throw ServiceError(error)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .internal("\(error)")
        }
    }

    /// The library refuses to resolve a feature of which two deps bring columns of one name.
    private func refuseClashes(_ plan: FeaturePlan, _ columns: [[RowColumn]]) throws(ServiceError) {
        for row in columns {
            var seen: Set<String> = []
            for column in row where !seen.insert(column.name).inserted {
                throw .invalid([
                    Fault(
                        .pointer("/compat"),
                        "two deps of \(plan.key) bring a column \"\(column.name)\"; rename one of them, or select")
                ])
            }
        }
    }

    /// The columns that the upstream records bring, for each row.
    private func upstreamColumns(
        _ plan: FeaturePlan, _ rows: [(RecordID, JudgedUnit)], isSplit: Bool
    ) throws(StoreError) -> [[RowColumn]] {
        var columns = [[RowColumn]](repeating: [], count: rows.count)
        for (position, dep) in plan.deps.enumerated() {
            let heads = rows.flatMap { $0.1.inputs.deps[position] }
            let entries = try LineageQueries(transaction.connection, feature: dep.upstream).metadata(
                heads.map { ParentEntry(entry: $0.entry, record: $0.record) })
            let group = dep.isGrouped ? try GroupColumns(transaction, plan, dep, heads.map(\.record)) : nil
            for (row, (_, judged)) in rows.enumerated() {
                var members: [(RecordID, [RowColumn])] = []
                for head in judged.inputs.deps[position] {
                    guard let metadata = entries[head.entry] else { continue }
                    members.append((head.record, try Self.columns(metadata, dep)))
                }
                let brought: [RowColumn]
                if let group {
                    brought = isSplit ? group.columns(ofOne: members) : group.columns(of: members)
                } else {
                    brought = members.first?.1 ?? []
                }
                columns[row] += isSplit ? brought : Self.distinct(brought, from: columns[row], dep)
            }
        }
        return columns
    }

    /// The columns that a dep brings; one of a name that an earlier dep brought carries the upstream's key behind it.
    static func distinct(_ brought: [RowColumn], from taken: [RowColumn], _ dep: DepPlan) -> [RowColumn] {
        let names = Set(taken.map(\.name))
        guard !names.isEmpty else { return brought }
        return brought.map { column in
            names.contains(column.name)
                ? RowColumn(name: dep.spec.systemColumn(column.name), value: column.value) : column
        }
    }

    /// The metadata columns of orphaned records.
    private func ownColumns(
        _ plan: FeaturePlan, _ units: [(RecordID, JudgedUnit)]
    ) throws(StoreError) -> [RecordID: [RowColumn]] {
        let heads = units.compactMap { unit, judged in judged.state == .orphaned ? judged.head : nil }
        guard !heads.isEmpty else { return [:] }
        let entries = try LineageQueries(transaction.connection, feature: plan.id).metadata(
            heads.map { ParentEntry(entry: $0.entry, record: $0.record) })
        var columns: [RecordID: [RowColumn]] = [:]
        for head in heads {
            columns[head.record] = try entries[head.entry].map { (metadata) throws(StoreError) in
                try RowColumn.columns(metadata)
            }
        }
        return columns
    }

    static func columns(_ metadata: [UInt8], _ dep: DepPlan) throws(StoreError) -> [RowColumn] {
        let selected = dep.spec.select.map(Set.init)
        return try RowColumn.columns(metadata).compactMap { column in
            let name = dep.spec.renamed(column.name)
            guard selected?.contains(name) ?? true else { return nil }
            return RowColumn(name: name, value: column.value)
        }
    }
}

extension JudgedUnit {
    /// The unit once for each combination of the upstream records of its groups.
    func split(_ plan: FeaturePlan) -> [JudgedUnit] {
        var combinations: [[[Head]]] = [[]]
        for (dep, heads) in zip(plan.deps, inputs.deps) {
            let choices = dep.isGrouped && !heads.isEmpty ? heads.map { [$0] } : [heads]
            combinations = combinations.flatMap { combination in choices.map { combination + [$0] } }
        }
        return combinations.map { JudgedUnit(head: head, inputs: UnitInputs(deps: $0), judgement: judgement) }
    }

    /// How many rows `split` makes.
    func rows(_ plan: FeaturePlan) -> Int {
        zip(plan.deps, inputs.deps).reduce(1) { $1.0.isGrouped ? $0 * max($1.1.count, 1) : $0 }
    }
}

extension RowColumn {
    /// The members of a stored metadata object, their values as they stand.
    static func columns(_ metadata: [UInt8]) throws(StoreError) -> [RowColumn] {
        do {
            var reader = JSONReader(metadata)
            var columns: [RowColumn] = []
            try reader.beginObject()
            while let key = try reader.nextKey() {
                let name = reader.string(key)
                let value = try reader.skipValue()
                columns.append(RowColumn(name: name, value: Array(metadata[value])))
            }
            return columns
        } catch {
            throw .corrupt("metadata that is not a JSON object")
        }
    }
}
