// What happens to a claim after it was handed out: heartbeat, release, expiry.

public import Feature
import Postgres
public import Store

/// What a heartbeat answers.
public struct HeartbeatOutcome: Sendable {
    /// Until when the lease now runs: microseconds since 1970.
    public let leaseUntil: Int64
    /// The plan of the claim's feature.
    public let plan: FeaturePlan
    /// Units still in the worker's hands whose results will not be what they should be, or not become current: their inputs
    /// or their code moved, or somebody else has written them.
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
        try await transactions.change { (transaction) throws(ServiceError) in
            let held = try transaction.hold(id, token: token)
            let connection = transaction.connection
            let seconds = leaseSeconds.map { Int32($0) } ?? held.claim.leaseSeconds
            let until = try stored { () throws(StoreError) in
                try ClaimTable(connection).extend(id, leaseSeconds: seconds)
            }
            let superseded = try transaction.superseded(held).map { held.units.records[$0] }
            return HeartbeatOutcome(
                leaseUntil: until, plan: held.plan, superseded: try transaction.keys(superseded, held.plan))
        }
    }

    /// Gives the rest of a claim back at once, without counting an attempt.
    ///
    /// - Returns: how many units were given back.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.unavailable`.
    /// - Complexity: about seven round trips; O(units of the claim).
    public func release(claim id: Int64, token: Int64) async throws(ServiceError) -> Int {
        try await transactions.change { (transaction) throws(ServiceError) in
            let held = try transaction.hold(id, token: token)
            let rest = held.remaining.map { held.units.records[$0] }
            try transaction.lock(rest, of: held.plan.id)
            transaction.ledger.update(rest, of: held.plan.id) { $0.giveBack($1) }
            let connection = transaction.connection
            try stored { () throws(StoreError) in
                try ClaimTable(connection).update(id, finished: held.claim.finished, state: .released)
            }
            try transaction.leavePlace(held.plan.id)
            transaction.claimMemory.forget(id)
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
            try await transactions.change { (transaction) throws(ServiceError) in try transaction.takeBack(feature) }
        }
    }

    /// A claim by its number.
    ///
    /// - Throws: `.claimNotFound`, `.unavailable`.
    /// - Complexity: three round trips.
    public func claim(_ id: Int64) async throws(ServiceError) -> (claim: StoredClaim, feature: FeatureKey) {
        try await transactions.read { (transaction) throws(ServiceError) in
            let claim = try stored { () throws(StoreError) in try ClaimTable(transaction.connection).read(id) }
            guard let claim, transaction.sees(claim.feature) else { throw .claimNotFound(id) }
            return (claim, transaction.key(claim.feature))
        }
    }

    /// Active claims in the order of their numbers.
    ///
    /// - Parameters:
    ///   - feature: nil for all.
    ///   - worker: nil for all.
    ///   - after: the last claim of the page before, 0 for the first page.
    ///   - limit: 1...`Limits.pageRowsMax`.
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: three round trips.
    public func list(
        feature: FeatureKey?, worker: String?, after: Int64, limit: Int
    ) async throws(ServiceError) -> [(claim: StoredClaim, feature: FeatureKey)] {
        try await transactions.read { (transaction) throws(ServiceError) in
            let id = try feature.map { (key) throws(ServiceError) in try transaction.unitPlan(key).id }
            let claims = try stored { () throws(StoreError) in
                try ClaimTable(transaction.connection).active(
                    feature: id, among: transaction.visibleUnits, worker: worker, after: after, limit: limit)
            }
            return claims.map { ($0, transaction.key($0.feature)) }
        }
    }
}

/// A claim that its worker still holds, locked.
struct HeldClaim {
    let claim: StoredClaim
    let plan: FeaturePlan
    let units: ClaimUnits
    /// The encoded keys of the units; nil where they are not remembered.
    let keys: ByteColumn?

    /// The positions of units that are neither completed nor failed.
    var remaining: [Int] { units.indices.filter { !claim.finished[$0] } }
}

extension ServiceTransaction {
    /// Locks a claim and checks its fencing token.
    mutating func hold(_ id: Int64, token: Int64) throws(ServiceError) -> HeldClaim {
        let connection = connection
        let locked = try stored { () throws(StoreError) in try ClaimTable(connection).lock(id) }
        guard let claim = locked, sees(claim.feature) else { throw .claimNotFound(id) }
        guard claim.token == token else {
            throw .leaseLost("the token is not the one that claim \(id) was given")
        }
        guard claim.state == .active else { throw .leaseLost(Self.reason(claim)) }
        guard let plan = catalog[claim.feature] else {
            throw .leaseLost("the feature of claim \(id) is no longer part of the graph")
        }
        do { return try held(claim, plan) } catch { throw ServiceError(error) }
    }

    /// A locked claim with what was handed out with it.
    ///
    /// - Throws: `.database`; `.corrupt` where that is forgotten.
    /// - Complexity: no round trip where it is remembered, one where it is not.
    func held(_ claim: StoredClaim, _ plan: FeaturePlan) throws(StoreError) -> HeldClaim {
        if let known = claimMemory.recall(claim) {
            return HeldClaim(claim: claim, plan: plan, units: known.units, keys: known.keys)
        }
        return HeldClaim(claim: claim, plan: plan, units: try ClaimTable(connection).batch(claim.id), keys: nil)
    }

    /// The positions of units in a worker's hands of which the results will not be what the units should be, or not become
    /// current.
    ///
    /// That a unit was marked does not say so: a record that joined its group may be one that a filter keeps out.
    ///
    /// - Complexity: one round trip; with marked units those of `Evaluator.compare`.
    func superseded(_ held: HeldClaim) throws(ServiceError) -> [Int] {
        let plan = held.plan
        let addresses = Set(held.remaining.map { BlockAddress(feature: plan.id, record: held.units.records[$0]) })
        let found = try stored { () throws(StoreError) in try blocks.peek(addresses) }
        let marked = held.remaining.filter { position in
            let record = held.units.records[position]
            return found[BlockAddress(feature: plan.id, record: record)]?.dirty.contains(record.offsetInBlock) == true
        }
        guard !marked.isEmpty else { return [] }
        let slots = try fieldSlots(held)
        let judged = try stored { () throws(StoreError) in
            try evaluator.compare(plan, marked.map { held.units.records[$0] })
        }
        return marked.filter { position in
            guard let unit = judged[held.units.records[position]], let expectation = unit.judgement.expectation,
                (unit.head?.entry ?? 0) == held.units.bases[position]
            else { return true }
            let handedOut = slots.spread(held.units[position].provenance)
            return zip(plan.fields, expectation.provenance).contains { field, expected in
                expected == nil || handedOut[Int(field.slot) - 1] != expected
            }
        }
    }

    static func reason(_ claim: StoredClaim) -> String {
        switch claim.state {
        case .active: "claim \(claim.id) is active"
        case .finished: "claim \(claim.id) is finished: every record of it was completed or failed"
        case .released: "claim \(claim.id) was released"
        case .expired: "the lease of claim \(claim.id) ran out, and its records were taken back"
        }
    }

    /// Takes back what a feature's expired claims still held, and takes up failing units whose time has come.
    mutating func takeBack(_ feature: FeatureID) throws(ServiceError) {
        let connection = connection
        let claims = ClaimTable(connection)
        let (expired, due) = try stored { () throws(StoreError) in
            try connection.ask(
                ClaimTable.lockExpired(feature, limit: Limits.expiredClaimsMax),
                FailureTable.due(feature, limit: Limits.dueFailuresMax))
        }
        var lost: [(claim: StoredClaim, units: [ClaimedUnit])] = []
        for claim in expired {
            let units = try stored { () throws(StoreError) in try claims.batch(claim.id) }
            lost.append((claim, units.indices.filter { !claim.finished[$0] }.map { units[$0] }))
        }
        guard !expired.isEmpty || !due.isEmpty else { return }
        try lock(lost.flatMap { $0.units.map(\.record) } + due, of: feature)
        for (claim, units) in lost { try takeBack(units, from: claim) }
        ledger.update(due, of: feature) { $0.unpark($1) }
        tally.add(.expired, expired.count, of: feature)
        try stored { () throws(StoreError) in
            for claim in expired { try claims.update(claim.id, finished: claim.finished, state: .expired) }
        }
        for claim in expired { claimMemory.forget(claim.id) }
        if !expired.isEmpty { try leavePlace(feature) }
        try flush()
    }

    /// The keys of records, in the order given.
    func keys(_ records: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> [RecordKey] {
        guard !records.isEmpty else { return [] }
        let keys = try stored { () throws(StoreError) in
            try RecordIDTable(connection, space: plan.space).keys(of: records)
        }
        return records.compactMap { keys[$0] }
    }

    /// A feature's key, also where it is no longer part of the graph.
    func key(_ feature: FeatureID) -> FeatureKey {
        let removed = { catalog.stored.values.first { $0.id == feature || $0.units == feature }?.key }
        guard let key = catalog[feature]?.key ?? removed() else {
            preconditionFailure("feature \(feature) is not in the registry")
        }
        return key
    }
}

extension ClaimService {
    /// Forgets what was handed out with claims that ended more than `Limits.batchMemorySeconds` ago.
    ///
    /// - Throws: `.unavailable`.
    /// - Complexity: one transaction; O(batches kept).
    public func forgetBatches() async throws(ServiceError) {
        try await transactions.change { (transaction) throws(ServiceError) in
            let connection = transaction.connection
            _ = try stored { () throws(StoreError) in
                try ClaimTable(connection).forgetBatches(endedBefore: Limits.batchMemorySeconds)
            }
        }
    }
}
