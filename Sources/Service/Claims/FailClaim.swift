// Takes in the failures of a claim.

public import Feature
import Postgres
public import Store

/// A worker's report of failure.
public struct FailureReport: Sendable {
    /// The records that failed; nil for all that the claim still holds.
    public var records: [(place: Fault.Place, key: RecordKey)]?
    /// What went wrong, in the worker's words.
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

/// What a report of failure answers.
public struct FailureOutcome: Hashable, Sendable {
    /// Records that were reported.
    public let failed: Int
    /// Of these, records that will be handed out again after a while.
    public let willRetry: Int
    /// Of these, records that are put aside until their inputs or their code change, or until somebody asks.
    public let quarantined: Int
}

extension ClaimService {
    /// Notes that records could not be computed; each is tried again later, or quarantined.
    ///
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.invalid` for unknown or repeated ids, `.unavailable`.
    /// - Complexity: about ten round trips; O(records).
    public func fail(
        claim id: Int64, token: Int64, report: FailureReport, writer: Writer = Writer()
    ) async throws(ServiceError) -> FailureOutcome {
        try await transactions.change { [random] (transaction) throws(ServiceError) in
            let held = try transaction.hold(id, token: token)
            return try transaction.fail(held, report, writer, random: random)
        }
    }
}

extension ServiceTransaction {
    fileprivate mutating func fail(
        _ held: HeldClaim, _ report: FailureReport, _ writer: Writer, random: () -> Double
    ) throws(ServiceError) -> FailureOutcome {
        let plan = held.plan
        let positions = try positions(report, held)
        let units = positions.map { held.units[$0] }
        let records = units.map(\.record)
        try lock(records, of: plan.id)
        let connection = connection
        let known = try stored { () throws(StoreError) in
            try FailureTable(connection, feature: plan.id).read(records)
        }
        let settings = catalog.dispatch(of: plan.id)
        let notes = units.map { unit in
            let before = known[unit.record].flatMap { $0.provenance == unit.provenance ? $0 : nil }
            let attempts = (before?.attempts ?? 0) + 1
            let isLast = !report.isRetryable || attempts >= settings.attemptsMax
            return FailureNote(
                attempts: attempts,
                delay: isLast ? nil : settings.retryDelay(attempts: Int(attempts), random: random()),
                expiries: before?.expiries ?? 0, batchMax: before?.batchMax)
        }
        var finished = held.claim.finished
        var failed = held.claim.failed ?? BitString(count: finished.count)
        for position in positions { (finished[position], failed[position]) = (true, true) }
        let isFinished = finished.popcount == held.units.count
        let error = String(report.error.prefix(Limits.errorTextMax))
        try stored { [finished, failed] () throws(StoreError) in
            try FailureTable(connection, feature: plan.id).write(
                units, notes, definition: held.claim.definition, worker: held.claim.worker, error: error)
            try ClaimTable(connection).update(
                held.claim.id, finished: finished, failed: failed, state: isFinished ? .finished : .active)
        }
        if isFinished {
            try leavePlace(plan.id)
            claimMemory.forget(held.claim.id)
        }
        ledger.update(records, of: plan.id) { block, bits in
            block.finish(bits)
            // Marked meanwhile: other inputs are another chance, at once.
            block.park(bits - block.dirty)
        }
        tally.add(.failed, units.count, of: plan.id)
        let quarantined = notes.filter { $0.delay == nil }.count
        var writer = writer
        writer.worker = held.claim.worker
        try begin(
            writer,
            LoggedChange(
                .claimFailed, feature: plan.id, claim: held.claim.id,
                detail: ChangeDetail.counts(["records": units.count, "quarantined": quarantined])))
        return FailureOutcome(
            failed: units.count, willRetry: units.count - quarantined, quarantined: quarantined)
    }

    private func positions(_ report: FailureReport, _ held: HeldClaim) throws(ServiceError) -> [Int] {
        guard let records = report.records else { return held.remaining }
        let found = try positions(records.map(\.key), in: held)
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
