// Takes in the results of a claim.

import Feature
import Postgres
public import Store

/// The answer to a report of results.
public struct CompletionOutcome: Hashable, Sendable {
    /// Records whose results are stored, now or by the same report before.
    public let completed: Int
    /// Of these, records whose inputs or code changed while they were computed. They stay stale and are handed out again.
    public let superseded: Int
    /// Units that the claim still holds.
    public let remaining: Int
}

extension ClaimService {
    /// Stores results of a claim: lineage, heads, downstream work and the claim itself, all or nothing.
    ///
    /// A repeated report of the same records gets the same answer and writes nothing.
    ///
    /// - Parameters:
    ///   - rows: results, any part of the claim's units.
    ///   - seconds: the time that the rows without a result so far took to compute; nil where it is unknown.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.invalid` for unknown or repeated ids, `.unavailable`.
    /// - Complexity: about fifteen round trips; O(rows). Units that were marked meanwhile are judged, before and after.
    public func complete(
        claim id: Int64, token: Int64, rows: [RecordRow], seconds: Double? = nil, writer: Writer
    ) async throws(ServiceError) -> CompletionOutcome {
        try await transactions.change { [memory] (transaction) throws(ServiceError) in
            let held = try HeldClaim(id, token: token, allowsFinished: true, transaction, memory)
            guard held.plan.children == nil else {
                throw .invalid([
                    Fault(.pointer("/records"), "\(held.plan.key) is an expansion: report units with their records")
                ])
            }
            let completion = try ClaimCompletion(held, writer, memory, transaction)
            return try completion.run(rows, children: nil, seconds: seconds, &transaction)
        }
    }
}

/// A report of results being carried out in one transaction.
struct ClaimCompletion {
    let held: HeldClaim
    let slots: FieldSlots
    let writer: Writer
    private let memory: ClaimMemory

    /// A report on a claim, which `writer` sends.
    init(
        _ held: HeldClaim, _ writer: Writer, _ memory: ClaimMemory, _ transaction: ServiceTransaction
    ) throws(ServiceError) {
        self.held = held
        self.writer = writer
        self.memory = memory
        slots = try held.fieldSlots(transaction)
    }

    /// Stores results.
    ///
    /// - Parameter children: for an expansion, the records that each row's unit expands into.
    func run(
        _ rows: [RecordRow], children: [[RecordRow]]?, seconds: Double?, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> CompletionOutcome {
        let positions = try check(rows, transaction)
        let plan = held.plan
        let records = positions.map { held.units.records[$0] }
        try transaction.lock(records, of: plan.id)
        let open = positions.indices.filter { !held.claim.finished[positions[$0]] }
        let unneeded = try markedInVain(open.map { records[$0] }, transaction)
        if !open.isEmpty {
            let results = open.map { index in
                ClaimResult(row: rows[index], position: positions[index], children: children?[index])
            }
            try store(results, unneeded: Set(unneeded.keys), &transaction)
        }
        var finished = held.claim.finished
        for index in open { finished[positions[index]] = true }
        let remaining = held.units.count - finished.popcount
        if !open.isEmpty {
            let time = seconds.map { (units: open.count, seconds: $0) }
            try finish(open.map { records[$0] }, finished, isLast: remaining == 0, time: time, &transaction)
        }
        let done = open.map { records[$0] }
        transaction.ledger.update(done, of: plan.id) { $0.finish($1) }
        transaction.tally.add(.computed, done.count, of: plan.id)
        let right = try markedInVain(done, transaction).filter { $0.value.earlier == nil }
        transaction.ledger.update(right.keys, of: plan.id) { $0.markUpToDate($1) }
        let superseded = records.filter { isDirty($0, transaction) }
        return CompletionOutcome(completed: rows.count, superseded: superseded.count, remaining: remaining)
    }

    /// Updates the claim, and ends it where every unit of it was reported.
    ///
    /// - Parameter records: the units reported for the first time. A unit that was reported before may have failed under
    ///   another claim since, and that failure stays.
    private func finish(
        _ records: [RecordID], _ finished: BitString, isLast: Bool, time: (units: Int, seconds: Double)?,
        _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let connection = transaction.connection
        do throws(StoreError) {
            try FailureTable(connection, feature: held.plan.id).clear(records, &transaction.ledger)
        } catch {
            throw ServiceError(error)
        }
        try stored { () throws(StoreError) in
            try ClaimTable(connection).update(
                held.claim.id, finished: finished, state: isLast ? .finished : .active, time: time)
        }
        guard isLast else { return }
        try ClaimCapacity(feature: held.plan.id).release(&transaction)
        memory.forget(held.claim.id)
    }

    /// The units that were marked meanwhile although they are as they should be.
    private func markedInVain(
        _ units: [RecordID], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [RecordID: JudgedUnit] {
        let marked = units.filter { isDirty($0, transaction) }
        guard !marked.isEmpty, !held.plan.isRoot else { return [:] }
        return try stored { () throws(StoreError) in try transaction.evaluator.compare(held.plan, marked) }
            .filter { $0.value.state == .upToDate || $0.value.state == .suppressed }
    }

    private func isDirty(_ unit: RecordID, _ transaction: ServiceTransaction) -> Bool {
        let address = BlockAddress(feature: held.plan.id, record: unit)
        return transaction.ledger[address].dirty.contains(unit.offsetInBlock)
    }

    /// Refuses rows that the claim does not hold.
    ///
    /// - Returns: the position of each row among the claim's units.
    private func check(_ rows: [RecordRow], _ transaction: ServiceTransaction) throws(ServiceError) -> [Int] {
        var faults: [Fault] = []
        for row in rows { faults += slots.faults(row, isProvenanceComplete: false) }
        let found = try held.positions(of: rows.map(\.key), transaction)
        var positions: [Int] = []
        var seen = [Int](repeating: -1, count: held.units.count)
        for (index, (row, position)) in zip(rows, found).enumerated() {
            if let position, seen[position] >= 0 {
                faults.append(Fault(row.place, "the same record as at \(rows[seen[position]].place.text)"))
            } else if let position {
                seen[position] = index
                positions.append(position)
            } else {
                faults.append(Fault(row.place, "claim \(held.claim.id) does not hold this record"))
            }
        }
        if faults.isEmpty { faults = failedFaults(rows, positions) }
        guard faults.isEmpty else { throw .invalid(faults) }
        return positions
    }

    /// A unit that was reported as failed cannot be completed under the same claim.
    private func failedFaults(_ rows: [RecordRow], _ positions: [Int]) -> [Fault] {
        guard let failed = held.claim.failed else { return [] }
        return zip(rows, positions).filter { failed[$1] }.map { row, _ in
            Fault(row.place, "this record was reported as failed under claim \(held.claim.id)")
        }
    }
}
