// Takes units back from claims whose lease ran out, and failing units up again when their delay is over.

import Feature
import Postgres
import Store

/// The expired claims of a feature.
struct LeaseExpiry {
    /// The feature, or the units of an expansion.
    let feature: FeatureID
    let memory: ClaimMemory

    /// Takes back the units that expired claims still held, and makes failing units whose delay is over candidates again.
    ///
    /// - Complexity: one round trip where there is neither; at most `TransactionLimits.expiredClaimsMax` claims and
    ///   `TransactionLimits.dueFailuresMax` failing units.
    func takeBack(_ transaction: inout ServiceTransaction) throws(ServiceError) {
        let connection = transaction.connection
        let claims = ClaimTable(connection)
        let (expired, due) = try stored { () throws(StoreError) in
            try connection.ask(
                ClaimTable.lockExpired(feature, limit: TransactionLimits.expiredClaimsMax),
                FailureTable.due(feature, limit: TransactionLimits.dueFailuresMax))
        }
        var lost: [PoisonIsolation] = []
        for claim in expired {
            let units = try stored { () throws(StoreError) in try claims.batch(claim.id) }
            let open = units.indices.filter { !claim.finished[$0] }.map { units[$0] }
            lost.append(PoisonIsolation(claim: claim, units: open))
        }
        guard !expired.isEmpty || !due.isEmpty else { return }
        try transaction.lock(lost.flatMap { $0.units.map(\.record) } + due, of: feature)
        for isolation in lost { try isolation.takeBack(&transaction) }
        transaction.ledger.update(due, of: feature) { $0.unpark($1) }
        transaction.tally.add(.expired, expired.count, of: feature)
        try stored { () throws(StoreError) in
            for claim in expired { try claims.update(claim.id, finished: claim.finished, state: .expired) }
        }
        for claim in expired { memory.forget(claim.id) }
        if !expired.isEmpty { try ClaimCapacity(feature: feature).release(&transaction) }
        try transaction.flush()
    }
}
