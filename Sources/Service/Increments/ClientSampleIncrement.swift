// Compares records that a client gives with those that are stored.

import Feature
import Store

/// An increment in which what the client gives stands for what is expected.
///
/// Pages count through the samples that are new or stale, in their order, and then the orphaned records by id.
struct ClientSampleIncrement {
    private let plan: FeaturePlan
    private let query: IncrementQuery
    private let slots: FieldSlots
    private var counts = IncrementCounts()

    init(_ plan: FeaturePlan, _ query: IncrementQuery) {
        self.plan = plan
        self.query = query
        slots = FieldSlots(plan)
    }

    mutating func run(_ samples: [RecordRow], _ transaction: ServiceTransaction) throws(ServiceError) -> IncrementPage {
        try check(samples)
        let plan = plan
        let restriction = query.restriction
        do {
            let ids = RecordIDTable(transaction.connection, space: plan.space)
            let known = try ids.find(samples.map(\.key.encoded))
            let stored = try HeadTable(transaction.connection, feature: plan.id).all()
            let current = try transaction.evaluator.current(
                plan, stored, under: restriction.isEmpty ? nil : restriction)
            var changed: [IncrementRecord] = []
            for (row, record) in zip(samples, known) {
                let head = record.flatMap { current.heads[$0] }
                let matches = record.map(current.matched.contains) ?? false
                if let record = try compare(row, record, head, matches) { changed.append(record) }
            }
            let sampled = Set(known.compactMap { $0 })
            var orphaned: [RecordID] = []
            if !restriction.skipsComparison {
                orphaned = stored.filter { !sampled.contains($0) && current.heads[$0]?.isLive == true }
            }
            counts.kinds[.orphaned] = orphaned.isEmpty ? nil : orphaned.count
            let orphans = query.kinds.contains(.orphaned) ? orphaned : []
            // What was there when the page before was made may be gone.
            let total = changed.count + orphans.count
            let start = Int(min(query.after, RecordID(total) - 1) + 1)
            let end = min(start + query.limit, total)
            var page = Array(changed[min(start, changed.count)..<min(end, changed.count)])
            let rest = orphans[max(start - changed.count, 0)..<max(end - changed.count, 0)]
            page += try describe(Array(rest), current.heads, transaction)
            let isMore = end < total
            return IncrementPage(
                plan: plan, counts: query.countsAll ? counts : nil,
                records: IncrementRows(page, fields: plan.fields.count), next: isMore ? RecordID(end - 1) : nil)
        } catch let error as StoreError {
            throw ServiceError(error)
        } catch let error as ServiceError {
            throw error
        } catch {
            throw .internal("\(error)")
        }
    }

    private func check(_ samples: [RecordRow]) throws(ServiceError) {
        var faults = duplicateFaults(samples)
        for row in samples {
            if row.provenance == nil { faults.append(Fault(row.place, "a sample needs metaxy_provenance_by_field")) }
            faults += slots.faults(row, isProvenanceComplete: true)
        }
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    /// A sample as a record of the increment; nil where what is stored equals it, or where its kind is not asked for.
    private mutating func compare(
        _ row: RecordRow, _ record: RecordID?, _ head: Head?, _ matchesPredicate: Bool
    ) throws(StoreError) -> IncrementRecord? {
        let expected = plan.fields.map { row.provenance?[$0.structKey] }
        let isNew = head?.isLive != true
        var stale: [StaleField] = []
        for (index, field) in plan.fields.enumerated() {
            let isSame = head?.provenance(at: field.slot) == expected[index]
            var causes: [StaleCause] = isNew ? [.missing] : isSame ? [] : [.upstream]
            if matchesPredicate && !isNew { causes.append(.predicate) }
            if !causes.isEmpty { stale.append(StaleField(field: index, causes: causes)) }
        }
        guard !stale.isEmpty else {
            counts.upToDate += 1
            return nil
        }
        let kind: IncrementKind = isNew ? .new : .stale
        counts.kinds[kind, default: 0] += 1
        guard query.kinds.contains(kind) else { return nil }
        var expecter = Expecter(plan)
        return IncrementRecord(
            record: record ?? -1, key: row.key, state: isNew ? .new : .stale, isBlocked: false,
            columns: try RowColumn.columns(row.metadata), staleFields: stale, provenance: expected,
            recordProvenance: expecter.recordVersion(expected))
    }

    private func describe(
        _ orphans: [RecordID], _ heads: [RecordID: Head], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [IncrementRecord] {
        let none = UnitInputs(deps: plan.deps.map { _ in [] })
        return try IncrementDescriber(transaction).describe(
            plan,
            orphans.map { record in
                let judgement = Judgement(state: .orphaned, expectation: nil, staleFields: [])
                return (record, JudgedUnit(head: heads[record], inputs: none, judgement: judgement))
            })
    }
}
