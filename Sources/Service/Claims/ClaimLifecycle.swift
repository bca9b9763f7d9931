// A claim after it was handed out: heartbeat, release, expiry, and the list of active claims.

public import Feature
import Postgres
public import Store

/// The answer to a heartbeat.
public struct HeartbeatOutcome: Sendable {
    /// When the lease now ends, in microseconds since 1970.
    public let leaseUntil: Int64
    /// The plan of the claim's feature.
    public let plan: FeaturePlan
    /// Units still held whose results will be outdated or will not become current, because their inputs or their code
    /// changed, or because they were written meanwhile.
    public let superseded: [RecordKey]
}

extension ClaimService {
    /// Extends a lease.
    ///
    /// - Parameter leaseSeconds: nil to keep what the claim was taken with.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.unavailable`.
    /// - Complexity: about eight round trips; O(units of the claim). Units that were marked meanwhile are judged.
    public func heartbeat(
        claim id: Int64, token: Int64, leaseSeconds: Int?
    ) async throws(ServiceError) -> HeartbeatOutcome {
        try await transactions.change { [memory] (transaction) throws(ServiceError) in
            let held = try HeldClaim(id, token: token, transaction, memory)
            let connection = transaction.connection
            let seconds = leaseSeconds.map { Int32($0) } ?? held.claim.leaseSeconds
            let until = try stored { () throws(StoreError) in
                try ClaimTable(connection).extend(id, leaseSeconds: seconds)
            }
            let superseded = try held.superseded(transaction).map { held.units.records[$0] }
            return HeartbeatOutcome(
                leaseUntil: until, plan: held.plan, superseded: try transaction.keys(superseded, held.plan))
        }
    }

    /// Gives the remaining units of a claim back at once, without counting an attempt.
    ///
    /// - Returns: how many units were given back.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.unavailable`.
    /// - Complexity: about seven round trips; O(units of the claim).
    public func release(claim id: Int64, token: Int64) async throws(ServiceError) -> Int {
        try await transactions.change { [memory] (transaction) throws(ServiceError) in
            let held = try HeldClaim(id, token: token, transaction, memory)
            let rest = held.remaining.map { held.units.records[$0] }
            try transaction.lock(rest, of: held.plan.id)
            transaction.ledger.update(rest, of: held.plan.id) { $0.giveBack($1) }
            let connection = transaction.connection
            try stored { () throws(StoreError) in
                try ClaimTable(connection).update(id, finished: held.claim.finished, state: .released)
            }
            try ClaimCapacity(feature: held.plan.id).release(&transaction)
            memory.forget(id)
            return rest.count
        }
    }

    /// Takes back the units of all claims whose lease has run out.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one round trip when there is none.
    public func expire() async throws(ServiceError) {
        let features = try await transactions.read { (transaction) throws(ServiceError) in
            try stored { () throws(StoreError) in try ClaimTable(transaction.connection).featuresWithExpired() }
        }
        for feature in features {
            let expiry = LeaseExpiry(feature: feature, memory: memory)
            try await transactions.change { (transaction) throws(ServiceError) in try expiry.takeBack(&transaction) }
        }
    }

    /// A claim by its number.
    ///
    /// - Throws: `.claimNotFound`, `.unavailable`.
    /// - Complexity: three round trips.
    public func claim(_ id: Int64) async throws(ServiceError) -> (claim: StoredClaim, feature: FeatureKey) {
        try await transactions.read { (transaction) throws(ServiceError) in
            let claim = try stored { () throws(StoreError) in try ClaimTable(transaction.connection).read(id) }
            guard let claim, transaction.visible.sees(claim.feature) else { throw .claimNotFound(id) }
            return (claim, transaction.catalog.key(of: claim.feature))
        }
    }

    /// Active claims in the order of their numbers.
    ///
    /// - Parameters:
    ///   - feature: nil for all.
    ///   - worker: nil for all.
    ///   - after: the last claim of the page before, 0 for the first page.
    ///   - limit: 1...`TransactionLimits.pageRowsMax`.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: three round trips.
    public func list(
        feature: FeatureKey?, worker: String?, after: Int64, limit: Int
    ) async throws(ServiceError) -> [(claim: StoredClaim, feature: FeatureKey)] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let id = try feature.map { (key) throws(ServiceError) in try transaction.unitPlan(key).id }
            let claims = try stored { () throws(StoreError) in
                try ClaimTable(transaction.connection).active(
                    feature: id, among: transaction.visible.units, worker: worker, after: after, limit: limit)
            }
            return claims.map { ($0, transaction.catalog.key(of: $0.feature)) }
        }
    }

    /// Deletes the stored units of claims that ended more than `TransactionLimits.batchMemorySeconds` ago.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one transaction; O(batches kept).
    public func forgetBatches() async throws(ServiceError) {
        try await transactions.change { (transaction) throws(ServiceError) in
            let connection = transaction.connection
            _ = try stored { () throws(StoreError) in
                try ClaimTable(connection).forgetBatches(endedBefore: TransactionLimits.batchMemorySeconds)
            }
        }
    }
}
