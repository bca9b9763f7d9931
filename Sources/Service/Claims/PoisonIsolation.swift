// Finds the unit that makes workers die, by handing the units of a lost claim out again in halves.

import Feature
import Postgres
import Store

extension FailureNote {
    /// The note for a unit whose lease ran out.
    ///
    /// Workers die for many reasons, so the first expiry proves nothing. From the second one on, the units of a claim are
    /// handed out again in halves. The half without the culprit is completed, and the other half is halved again until the
    /// culprit is alone. Only then does an expired lease count as a failed attempt. A culprit among n units costs at most
    /// 1 + log2(n) + `attemptsMax` leases.
    ///
    /// - Parameters:
    ///   - known: the note of before for the same provenance.
    ///   - units: how many units the worker still held, 1 or more.
    ///   - attemptsMax: attempts before a unit is quarantined.
    static func expiry(after known: Failure?, among units: Int, attemptsMax: Int32) -> FailureNote {
        let expiries = (known?.expiries ?? 0) + 1
        let attempts = (known?.attempts ?? 0) + (units == 1 ? 1 : 0)
        let isQuarantined = units == 1 && attempts >= attemptsMax
        return FailureNote(
            attempts: attempts, delay: attempts == 0 || isQuarantined ? nil : 0, expiries: expiries,
            batchMax: expiries == 1 ? nil : Int32((units + 1) / 2))
    }
}

/// Takes units back from a claim whose lease ran out, and quarantines a unit on which leases keep running out.
struct PoisonIsolation {
    let claim: StoredClaim
    /// The units that the worker had not reported.
    let units: [ClaimedUnit]

    /// Takes the units back.
    ///
    /// - Precondition: the units' blocks are locked.
    func takeBack(_ transaction: inout ServiceTransaction) throws(ServiceError) {
        guard !units.isEmpty else { return }
        let failures = FailureTable(transaction.connection, feature: claim.feature)
        let records = units.map(\.record)
        let known = try stored { () throws(StoreError) in try failures.read(records) }
        let attemptsMax = transaction.catalog.dispatch(of: claim.feature).attemptsMax
        let notes = units.map { unit in
            FailureNote.expiry(
                after: known[unit.record].flatMap { $0.provenance == unit.provenance ? $0 : nil }, among: units.count,
                attemptsMax: attemptsMax)
        }
        try stored { () throws(StoreError) in
            try failures.write(
                units, notes, definition: claim.definition, worker: claim.worker,
                error: "the lease ran out before the worker reported")
        }
        let quarantined = zip(records, notes).filter { $0.1.attempts > 0 && $0.1.delay == nil }.map(\.0)
        let again = zip(records, notes).filter { $0.1.attempts == 0 || $0.1.delay != nil }.map(\.0)
        transaction.ledger.update(again, of: claim.feature) { $0.giveBack($1) }
        transaction.ledger.update(quarantined, of: claim.feature) { block, bits in
            let held = bits & block.leased
            block.finish(held)
            // A unit that was marked meanwhile has other inputs, and can be tried again at once.
            block.park(held - block.dirty)
        }
    }
}
