// Records the failures of a claim: units are tried again after a delay, or quarantined.

public import Feature
import Postgres
public import Store

/// A worker's report of failure.
public struct FailureReport: Sendable {
    /// The records that failed; nil for all that the claim still holds.
    public var records: [(place: Fault.Place, key: RecordKey)]?
    /// The worker's error text.
    public var error: String
    /// Whether another try may succeed.
    public var isRetryable: Bool

    /// A report of `records`.
    public init(records: [(place: Fault.Place, key: RecordKey)]?, error: String, isRetryable: Bool) {
        self.records = records
        self.error = error
        self.isRetryable = isRetryable
    }
}

/// The answer to a report of failure.
public struct FailureOutcome: Hashable, Sendable {
    /// Records that were reported.
    public let failed: Int
    /// Of these, records that will be handed out again after a while.
    public let willRetry: Int
    /// Of these, records that are quarantined until their inputs or their code change, or until they are retried by hand.
    public let quarantined: Int
}

extension ClaimService {
    /// Records that units could not be computed. Each is tried again later, or quarantined.
    ///
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.invalid` for unknown or repeated ids, `.unavailable`.
    /// - Complexity: about ten round trips; O(records).
    public func fail(
        claim id: Int64, token: Int64, report: FailureReport, writer: Writer = Writer()
    ) async throws(ServiceError) -> FailureOutcome {
        try await transactions.change { [random, memory] (transaction) throws(ServiceError) in
            let held = try HeldClaim(id, token: token, transaction, memory)
            return try ClaimFailure(held: held, report: report, memory: memory).run(writer, random, &transaction)
        }
    }
}

/// A report of failure being carried out in one transaction.
private struct ClaimFailure {
    let held: HeldClaim
    let report: FailureReport
    let memory: ClaimMemory

    func run(
        _ writer: Writer, _ random: () -> Double, _ transaction: inout ServiceTransaction
    ) throws(ServiceError) -> FailureOutcome {
        let plan = held.plan
        let positions = try positions(transaction)
        let units = positions.map { held.units[$0] }
        let records = units.map(\.record)
        try transaction.lock(records, of: plan.id)
        let notes = try notes(units, random, transaction)
        try write(units, notes, positions, &transaction)
        transaction.ledger.update(records, of: plan.id) { block, bits in
            block.finish(bits)
            // A unit that was marked meanwhile has other inputs, and can be tried again at once.
            block.park(bits - block.dirty)
        }
        transaction.tally.add(.failed, units.count, of: plan.id)
        let quarantined = notes.filter { $0.delay == nil }.count
        var writer = writer
        writer.worker = held.claim.worker
        try transaction.begin(
            writer,
            LoggedChange(
                .claimFailed, feature: plan.id, claim: held.claim.id,
                detail: ChangeDetail.counts(["records": units.count, "quarantined": quarantined])))
        return FailureOutcome(
            failed: units.count, willRetry: units.count - quarantined, quarantined: quarantined)
    }

    /// The note for each unit: its attempts, and the delay before the next one.
    private func notes(
        _ units: [ClaimedUnit], _ random: () -> Double, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [FailureNote] {
        let known = try stored { () throws(StoreError) in
            try FailureTable(transaction.connection, feature: held.plan.id).read(units.map(\.record))
        }
        let settings = transaction.catalog.dispatch(of: held.plan.id)
        return units.map { unit in
            let before = known[unit.record].flatMap { $0.provenance == unit.provenance ? $0 : nil }
            let attempts = (before?.attempts ?? 0) + 1
            let isLast = !report.isRetryable || attempts >= settings.attemptsMax
            return FailureNote(
                attempts: attempts,
                delay: isLast ? nil : settings.retryDelay(attempts: Int(attempts), random: random()),
                expiries: before?.expiries ?? 0, batchMax: before?.batchMax)
        }
    }

    /// Stores the notes and updates the claim, which ends where every unit of it was reported.
    private func write(
        _ units: [ClaimedUnit], _ notes: [FailureNote], _ positions: [Int], _ transaction: inout ServiceTransaction
    ) throws(ServiceError) {
        let connection = transaction.connection
        var finished = held.claim.finished
        var failed = held.claim.failed ?? BitString(count: finished.count)
        for position in positions { (finished[position], failed[position]) = (true, true) }
        let isFinished = finished.popcount == held.units.count
        let error = String(report.error.prefix(TransactionLimits.errorTextMax))
        try stored { [finished, failed] () throws(StoreError) in
            try FailureTable(connection, feature: held.plan.id).write(
                units, notes, definition: held.claim.definition, worker: held.claim.worker, error: error)
            try ClaimTable(connection).update(
                held.claim.id, finished: finished, failed: failed, state: isFinished ? .finished : .active)
        }
        guard isFinished else { return }
        try ClaimCapacity(feature: held.plan.id).release(&transaction)
        memory.forget(held.claim.id)
    }

    /// The positions of the reported units.
    private func positions(_ transaction: ServiceTransaction) throws(ServiceError) -> [Int] {
        guard let records = report.records else { return held.remaining }
        let found = try held.positions(of: records.map(\.key), transaction)
        var faults: [Fault] = []
        var positions: [Int] = []
        var seen: Set<Int> = []
        for (record, position) in zip(records, found) {
            guard let position, !held.claim.finished[position] else {
                faults.append(Fault(record.place, "claim \(held.claim.id) does not hold this record any more"))
                continue
            }
            if !seen.insert(position).inserted { faults.append(Fault(record.place, "the record comes twice")) }
            positions.append(position)
        }
        guard faults.isEmpty else { throw .invalid(faults) }
        return positions
    }
}
