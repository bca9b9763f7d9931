// Judges the units of a feature anew and compares with the bitmaps.

import Feature
import Store

extension RangeCheck {
    /// Judges the units of `plan` and compares them with the work and presence bitmaps, the claims and the counts.
    ///
    /// - Parameter stride: one unit in `stride` is also judged in process where the database judges.
    static func units(_ transaction: ServiceTransaction, _ plan: FeaturePlan, stride: Int) throws(StoreError)
        -> RangeCheck
    {
        let last = try RecordIDTable(transaction.connection, space: plan.space).last()
        let check = UnitCheck(transaction, plan, stride: stride)
        let isStreamed = !plan.isRoot && !plan.hash.isKnownToDatabase
        return RangeCheck(
            transaction.connection, plan, last: max(last, 0),
            step: isStreamed ? TransactionLimits.verifyJudgedMax : TransactionLimits.verifyRangeMax, run: check.run)
    }
}

extension [CheckFault] {
    /// Heads of a range that contradict the presence bitmaps or the keys of their records.
    static func ofHeads(
        _ checks: ConsistencyChecks, _ plan: FeaturePlan, _ range: Range<RecordID>
    ) throws(StoreError) -> [CheckFault] {
        try checks.presenceFaults(range).map { ($0, "the presence bitmap disagrees with the head") }
            + checks.keyFaults(range, space: plan.space).map { ($0, "the head has another key than the record") }
    }
}

/// The verification of the units of one feature.
private struct UnitCheck {
    private let transaction: ServiceTransaction
    private let plan: FeaturePlan
    private let stride: Int
    private let checks: ConsistencyChecks

    init(_ transaction: ServiceTransaction, _ plan: FeaturePlan, stride: Int) {
        self.transaction = transaction
        self.plan = plan
        self.stride = stride
        checks = ConsistencyChecks(transaction.connection, feature: plan.id)
    }

    func run(_ range: Range<RecordID>) throws(StoreError) -> (checked: Int, wrong: [CheckFault]) {
        var wrong = range.lowerBound == 0 ? try wholeFaults() : []
        wrong += try .ofHeads(checks, plan, range)
        if plan.isRoot {
            let heads = HeadTable(transaction.connection, feature: plan.id)
            wrong += try rootFaults(try heads.outdated(in: range, definition: plan.definition))
            return (try heads.count(in: range), wrong)
        }
        let upstreams = plan.deps.compactMap { transaction.catalog[$0.upstream] }
        guard upstreams.count == plan.deps.count else { throw .corrupt("an upstream of \(plan.key) has no plan") }
        let expectations = ExpectationQueries(transaction.connection, plan, upstreams: upstreams)
        if let found = try expectations.judge(range, stride: Int64(stride)) {
            for listed in found.listed.chunked(TransactionLimits.verifyJudgedMax) {
                wrong += try faults(of: listed.map(\.unit), listed: listed).wrong
            }
            return (found.count, wrong)
        }
        var checked = 0
        for units in try RecordIDTable(transaction.connection, space: plan.space).all(in: range).chunked(
            TransactionLimits.verifyJudgedMax)
        {
            let found = try faults(of: units, listed: [])
            checked += found.checked
            wrong += found.wrong
        }
        return (checked, wrong)
    }

    /// What is wrong with the feature as a whole: leases that no claim holds, blocks that claims do not find, and a count
    /// that is not that of the bitmaps.
    private func wholeFaults() throws(StoreError) -> [CheckFault] {
        var wrong: [CheckFault] = try checks.leaseFaults().map { fault in
            switch fault.claims {
            case 0: (fault.unit, "leased, but no claim holds it")
            case 1: (fault.unit, "claimed, but not leased")
            default: (fault.unit, "held by \(fault.claims) claims")
            }
        }
        for block in try checks.readyFaults() {
            let first = BlockAddress(feature: plan.id, block: block).record(at: 0)
            wrong.append((nil, "record ids \(first) to \(first + 1023): not told right whether there is work"))
        }
        let (live, count) = (try checks.liveBits(), try PresenceTable(transaction.connection).count(of: plan.id))
        if count != live { wrong.append((nil, "\(live) records are live, but \(count) are counted")) }
        return wrong
    }

    private func rootFaults(_ records: [RecordID]) throws(StoreError) -> [CheckFault] {
        var wrong: [CheckFault] = []
        for part in records.chunked(TransactionLimits.verifyJudgedMax) {
            let stale = try transaction.evaluator.staleRootFields(plan, part).keys.sorted()
            let work = try work(stale)
            wrong += stale.filter { !work.isCandidate($0) }.map { ($0, "stale, but not a candidate") }
        }
        return wrong
    }

    /// Judges units in process.
    ///
    /// - Parameter listed: the same units as the database judged them; empty where it did not.
    /// - Returns: how many of them are something, and what is wrong.
    private func faults(
        of units: [RecordID], listed: [ListedUnit]
    ) throws(StoreError) -> (checked: Int, wrong: [CheckFault]) {
        guard !units.isEmpty else { return (0, []) }
        var evaluator = transaction.evaluator
        let judged = try evaluator.judge(plan, units)
        let work = try work(units)
        let failures = try FailureTable(transaction.connection, feature: plan.id).read(units)
        var wrong: [CheckFault] = listed.compactMap { listed in
            disagreement(listed, judged[listed.unit]?.judgement).map { (listed.unit, $0) }
        }
        var checked = 0
        for unit in units.sorted() {
            guard let judged = judged[unit], judged.state != .absent else { continue }
            checked += 1
            guard let kind = judged.kind ?? (judged.earlier == nil ? nil : .stale) else { continue }
            if !work.isCandidate(unit) {
                wrong.append((unit, "\(kind.rawValue), but not a candidate"))
            } else if judged.earlier == nil, kind == .new || kind == .stale, work.isParked(unit),
                failures[unit] == nil
            {
                wrong.append((unit, "\(kind.rawValue), but parked although nothing blocks it"))
            }
        }
        return (checked, wrong)
    }

    private func disagreement(_ listed: ListedUnit, _ judgement: Judgement?) -> String? {
        guard listed.state != judgement?.state || listed.expected != judgement?.expectation?.provenance else {
            return nil
        }
        func text(_ state: UnitState?, _ expected: [String?]?) -> String {
            let versions = expected?.map { $0 ?? "null" }.joined(separator: ", ") ?? "nothing"
            return "\(state?.rawValue ?? "unknown"), expecting \(versions)"
        }
        return "\(text(listed.state, listed.expected)) in the database, but "
            + "\(text(judgement?.state, judgement?.expectation?.provenance)) in process"
    }

    private func work(_ units: [RecordID]) throws(StoreError) -> UnitWork {
        let addresses = Set(units.map { BlockAddress(feature: plan.id, record: $0) })
        return UnitWork(feature: plan.id, blocks: addresses.isEmpty ? [:] : try transaction.blocks.peek(addresses))
    }
}

/// The work bits of units.
private struct UnitWork {
    let feature: FeatureID
    let blocks: [BlockAddress: WorkBlock]

    func isCandidate(_ unit: RecordID) -> Bool {
        blocks[BlockAddress(feature: feature, record: unit)]?.candidates.contains(unit.offsetInBlock) ?? false
    }

    func isParked(_ unit: RecordID) -> Bool {
        blocks[BlockAddress(feature: feature, record: unit)]?.parked.contains(unit.offsetInBlock) ?? false
    }
}
