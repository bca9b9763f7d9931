// One attempt at a claim: locks blocks, judges their units, and leases those that can be handed out.

import Feature
import Postgres
import Store

/// One attempt at a claim, in one transaction.
///
/// Blocks are locked before their units are judged. A change that the judgement does not see waits for the lock and then
/// marks the unit again.
struct ClaimAttempt {
    /// A unit that is to be handed out.
    private struct Choice {
        let unit: RecordID
        /// The batch in which it was judged, and its position there.
        let batch: Int, position: Int
        let attempt: Int16
    }

    private let plan: FeaturePlan
    private let memory: ClaimMemory
    /// The requests: of the same conditions, and each for a few units where there are several.
    private let requests: [ClaimRequest]
    private var request: ClaimRequest { requests[0] }
    /// How many units the requests ask for together.
    private let wanted: Int
    private var judge: BatchJudge
    private var batches: [JudgedRows] = []
    private var chosen: [Choice] = []
    private var parked: [RecordID] = []
    private var blocked: [RecordID: [Blocker]] = [:]
    private var settled: [RecordID] = []
    private var outcome = ClaimOutcome()
    /// The greatest number of units to choose. It is smaller than `wanted` where a chosen unit may only be in a smaller
    /// batch, and greater where units are handed out in the order of a column.
    private var limit: Int
    /// The column by which units are handed out; nil for oldest first.
    private let orderBy: String?

    /// An attempt at handing out units to requests of the same conditions.
    init(
        _ plan: FeaturePlan, _ requests: [ClaimRequest], _ transaction: ServiceTransaction, _ memory: ClaimMemory
    ) throws(ServiceError) {
        self.plan = plan
        self.memory = memory
        self.requests = requests
        wanted = requests.reduce(0) { $0 + $1.limit }
        // A single unit is the oldest one in any case.
        orderBy = wanted == 1 ? nil : transaction.catalog.dispatch(of: plan.id).orderBy
        limit =
            orderBy == nil
            ? wanted : max(wanted * TransactionLimits.claimOrderedFactor, TransactionLimits.claimOrderedMin)
        do { judge = try BatchJudge(transaction, plan) } catch { throw ServiceError(error) }
    }

    mutating func run(_ transaction: inout ServiceTransaction, after position: ReadyBlock?) throws(ServiceError)
        -> ClaimOutcome
    {
        var previous = position
        var width = min(memory.blocks(for: limit, of: plan.id), TransactionLimits.claimBlocksMax)
        var judgedCount = 0
        var seen: [Int32] = []
        while chosen.count < limit {
            let blocks = try nextBlocks(after: previous, limit: width, transaction)
            guard let last = blocks.last else { break }
            var units: [RecordID] = []
            for block in blocks {
                transaction.ledger.load(block.address, block.block)
                transaction.ledger.note(
                    upTo: LockPlace(rank: transaction.catalog.rank(plan.id), address: block.address))
                let wanted = request.allowsUnsettledInputs ? block.block.ready | block.block.parked : block.block.ready
                units += wanted.offsets.map(block.address.record(at:))
            }
            judgedCount += units.count
            seen += blocks.map(\.address.block)
            try judge(units, transaction)
            previous = last
            // There are no more blocks.
            if blocks.count < width { break }
            width = nextWidth(width, after: seen.count)
            if judgedCount >= TransactionLimits.claimJudgedMax {
                outcome.isUnfinished = true
                outcome.position = previous
                break
            }
        }
        memory.note(units: judgedCount, in: seen.count, of: plan.id)
        if chosen.count >= limit { outcome.isMore = true }
        if let orderBy { keepTogether(orderBy) }
        if chosen.isEmpty, !outcome.isUnfinished, requests.contains(where: { $0.wait > .zero }) {
            outcome.isContended = try stored { () throws(StoreError) in
                try WorkOutlook(transaction.connection).isContended(plan.id, after: position, but: seen)
            }
        }
        try park(&transaction)
        transaction.ledger.update(settled, of: plan.id) { $0.markUpToDate($1) }
        transaction.tally.add(.asExpected, settled.count, of: plan.id)
        if !chosen.isEmpty { try lease(&transaction) }
        for (feature, records) in judge.revertible { outcome.revertible[feature, default: []].formUnion(records) }
        return outcome
    }

    /// How many blocks to lock next: as many as are needed at the present yield, or four times as many after a step that
    /// yielded nothing.
    private func nextWidth(_ width: Int, after blocks: Int) -> Int {
        let wanted = limit - chosen.count
        let next = chosen.isEmpty ? width * 4 : (wanted * blocks + chosen.count - 1) / chosen.count
        return min(max(next, 1), TransactionLimits.claimBlocksMax)
    }

    /// The next blocks that may have units for the requests. Where unsettled inputs are allowed, parked units count.
    private func nextBlocks(
        after previous: ReadyBlock?, limit: Int, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [ReadyBlock] {
        try stored { () throws(StoreError) in
            request.allowsUnsettledInputs
                ? try transaction.blocks.lockReadyOrParked(plan.id, after: previous, limit: limit)
                : try transaction.blocks.lockReady(plan.id, after: previous, limit: limit)
        }
    }

    /// Judges units until enough can be handed out. Each step judges many units, because a step costs round trips and many
    /// units may need nothing.
    ///
    /// - Parameter units: in the order in which they are to be handed out.
    private mutating func judge(_ units: [RecordID], _ transaction: ServiceTransaction) throws(ServiceError) {
        var rest = units[...]
        while chosen.count < limit, !rest.isEmpty {
            let next = Array(rest.prefix(max(limit - chosen.count, TransactionLimits.claimJudgedMin)))
            rest = rest.dropFirst(next.count)
            let ascending = next.sorted()
            let (judged, failures) = try judge.judgeWithFailures(ascending, isDescribed: true)
            batches.append(judged)
            var positions = Array(next.indices)
            if next != ascending {
                let found = Dictionary(zip(ascending, ascending.indices)) { first, _ in first }
                positions = next.compactMap { found[$0] }
            }
            if failures.values.contains(where: { $0.batchMax != nil }) {
                // Units of the smallest batches come first. Otherwise others would always fill the batch before them.
                let size = { (position: Int) -> Int32 in failures[judged.units[position]]?.batchMax ?? .max }
                positions = positions.enumerated().sorted {
                    (size($0.element), $0.offset) < (size($1.element), $1.offset)
                }.map(\.element)
            }
            for position in positions { try sort(position, judged, failures) }
        }
    }

    private mutating func sort(
        _ position: Int, _ judged: JudgedRows, _ failures: [RecordID: Failure]
    ) throws(ServiceError) {
        let unit = judged.units[position]
        let single = judged.single[position]
        if single?.earlier != nil {
            outcome.revertible[plan.id, default: []].insert(unit)
            return
        }
        let state = judged.states[position]
        switch state {
        case .upToDate, .suppressed, .absent: settled.append(unit)
        case .orphaned: parked.append(unit)
        case .new, .stale:
            let isComplete = single?.judgement.expectation?.provenance.contains(nil) != true
            let failure = failures[unit].flatMap { judged.isExpected($0.provenance, at: position) ? $0 : nil }
            if let failure, !failure.isDue {
                parked.append(unit)
            } else if let blockers = single?.blockers, !blockers.isEmpty,
                !request.allowsUnsettledInputs || !isComplete
            {
                blocked[unit] = blockers
            } else if request.kinds.contains(state) && isComplete {
                guard chosen.count < min(limit, failure?.batchMax.map(Int.init) ?? .max) else {
                    outcome.isMore = true
                    return
                }
                guard try passes(judged.rows[judged.row[position]]) else { return }
                chosen.append(
                    Choice(
                        unit: unit, batch: batches.count - 1, position: position,
                        attempt: Int16(clamping: (failure.map { $0.attempts + $0.expiries } ?? 0) + 1)))
                if let most = failure?.batchMax { limit = min(limit, Int(most)) }
            }
        }
    }

    /// Whether a unit's row passes the worker's filters.
    private func passes(_ record: @autoclosure () -> IncrementRecord) throws(ServiceError) -> Bool {
        guard !request.filters.isEmpty else { return true }
        do { return try FilteredRow(record(), plan: plan).passes(request.filters) } catch { throw ServiceError(error) }
    }

    /// Parks units that cannot be handed out. A blocked unit is parked only if its blocker, and all units on the path to it,
    /// can be marked as awaited. Where another transaction holds one of their blocks, the unit stays a candidate.
    private mutating func park(_ transaction: inout ServiceTransaction) throws(ServiceError) {
        if !blocked.isEmpty {
            let awaited = Set(blocked.values.compactMap(\.first).flatMap { [$0.unit] + $0.path })
            do { try transaction.blocks.lockFree(awaited.map(\.block), into: &transaction.ledger) } catch {
                throw ServiceError(error)
            }
            for (unit, blockers) in blocked {
                guard let blocker = blockers.first else { continue }
                let way = [blocker.unit] + blocker.path
                guard
                    way.allSatisfy({ transaction.ledger.holds($0.block) }),
                    transaction.ledger[blocker.unit.block].candidates.contains(blocker.unit.record.offsetInBlock)
                else { continue }
                for unit in way { transaction.ledger.update([unit.record], of: unit.feature) { $0.await($1) } }
                parked.append(unit)
            }
        }
        transaction.ledger.update(parked, of: plan.id) { $0.park($1) }
    }

    /// Keeps the unit that has waited longest, then units with the same value of the column, then units with the values that
    /// follow. So no unit waits for ever.
    private mutating func keepTogether(_ column: String) {
        guard chosen.count > wanted else { return }
        let order = ColumnOrder(column, plan: plan)
        let values = chosen.map { order.value(batches[$0.batch].row[$0.position], of: batches[$0.batch].rows) }
        chosen = ColumnOrder.arrangement(of: values).prefix(wanted).map { chosen[$0] }
        outcome.isMore = true
    }

    /// Leases the chosen units, to each request as many as it asks for.
    private mutating func lease(_ transaction: inout ServiceTransaction) throws(ServiceError) {
        var rest = chosen[...]
        for request in requests where !rest.isEmpty {
            let share = rest.prefix(request.limit).sorted { $0.unit < $1.unit }
            rest = rest.dropFirst(share.count)
            try lease(share, to: request, &transaction)
        }
    }

    private mutating func lease(
        _ chosen: [Choice], to request: ClaimRequest, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        var units = ClaimUnits(fields: plan.fields.count, deps: plan.deps.count)
        for choice in chosen {
            let judged = batches[choice.batch]
            let row = judged.row[choice.position]
            units.append(
                choice.unit, base: judged.bases[row], attempt: choice.attempt,
                provenance: judged.provenance(at: choice.position), parents: judged.parents(choice.position))
        }
        transaction.ledger.update(units.records, of: plan.id) { block, bits in
            block.unpark(bits)
            block.lease(bits)
        }
        let connection = transaction.connection
        let claim = try stored { () throws(StoreError) in
            try ClaimTable(connection).create(
                feature: plan.id, definition: plan.definition, worker: request.worker,
                leaseSeconds: Int32(request.leaseSeconds), units: units)
        }
        outcome.batches.append(
            ClaimedBatch(claim: claim, plan: plan, records: rows(chosen), units: units))
    }

    private func rows(_ chosen: [Choice]) -> IncrementRows {
        if batches.count == 1 {
            return batches[0].rows.picking(chosen.map { batches[0].row[$0.position] })
        }
        var rows = IncrementRows(fields: plan.fields.count)
        for choice in chosen {
            let judged = batches[choice.batch]
            rows.append(judged.row[choice.position], of: judged.rows)
        }
        return rows
    }
}
