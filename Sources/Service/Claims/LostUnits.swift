// Units whose worker never reported: how the one that makes workers die is told from those that were with it.

import Feature
import Postgres
import Store

extension FailureNote {
    /// What is noted of a unit when the lease on it runs out.
    ///
    /// Workers die of many things, so the first time says nothing. From the second on, the units of a batch come back in
    /// halves: the half without the culprit is completed, the other is halved again, until the culprit is alone. Only
    /// then does an expired lease count as a failed attempt. A culprit among n units costs at most
    /// 1 + log2(n) + `attemptsMax` leases.
    ///
    /// - Parameters:
    ///   - known: what was noted before for the same provenance.
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

extension ServiceTransaction {
    /// Takes units back from a claim whose lease has run out, and quarantines the one on which it keeps running out.
    ///
    /// - Precondition: their blocks have been locked.
    mutating func takeBack(_ units: [ClaimedUnit], from claim: StoredClaim) throws(ServiceError) {
        guard !units.isEmpty else { return }
        let failures = FailureTable(connection, feature: claim.feature)
        let records = units.map(\.record)
        let known = try stored { () throws(StoreError) in try failures.read(records) }
        let attemptsMax = catalog.dispatch(of: claim.feature).attemptsMax
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
        ledger.update(again, of: claim.feature) { $0.giveBack($1) }
        ledger.update(quarantined, of: claim.feature) { block, bits in
            let held = bits & block.leased
            block.finish(held)
            // Marked meanwhile: other inputs are another chance, at once.
            block.park(held - block.dirty)
        }
    }
}
