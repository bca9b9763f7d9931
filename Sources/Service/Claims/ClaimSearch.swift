// Searches the features that a worker asks for until one has units to hand out.

import Feature
import Postgres
import Store

/// The search of a claim request for units.
struct ClaimSearch: Sendable {
    let transactions: TransactionRunner
    let waiters: Waiters
    let notices: UnsentNotices
    let smallClaims: SmallClaims
    let memory: ClaimMemory

    /// The result of one search.
    struct Finding: Sendable {
        var batch: ClaimedBatch?
        /// Whether the registry changed after the features were chosen.
        var isOutdated = false
        /// Features with units to hand out whose blocks another transaction holds.
        var contended: Set<FeatureID> = []
        /// How many turns found no task that waits. They count as wake-ups.
        var passes: UInt64 = 0
    }

    /// Searches the features in turn, and hands the turn on where units may be left.
    func look(
        _ request: ClaimRequest, _ offer: ClaimOffer, _ turn: Turn?
    ) async throws(ServiceError) -> Finding {
        var turn = turn
        var finding = Finding()
        do throws(ServiceError) {
            for feature in offer.features {
                let outcome = try await claim(request, feature, offer.revision)
                if outcome.isOutdated { return Finding(isOutdated: true) }
                if let batch = outcome.batch {
                    handOn(turn, after: feature, isMore: outcome.isMore || outcome.isUnfinished)
                    return Finding(batch: batch)
                }
                if outcome.isContended {
                    finding.contended.insert(feature)
                } else if turn?.feature == feature {
                    turn?.fruitless.insert(request.conditions)
                }
            }
        } catch {
            if let turn { waiters.pass(turn) }
            throw error
        }
        // Where blocks are held, every task that waits would meet them in turn. The task that watches looks again instead.
        if let turn, !finding.contended.contains(turn.feature), !waiters.pass(turn) { finding.passes = 1 }
        return finding
    }

    /// Hands on the turn of a task that took units of `feature`.
    private func handOn(_ turn: Turn?, after feature: FeatureID, isMore: Bool) {
        if let turn, turn.feature != feature { waiters.pass(turn) }
        guard isMore else { return }
        let next = turn.flatMap { $0.feature == feature ? $0 : nil } ?? Turn(feature: feature)
        // Other processes woke tasks at the same time, which met blocks that this one held.
        if !waiters.pass(next), turn != nil { notices.add([feature: .some]) }
    }

    /// The features that the worker can get units of, by this process's copy of the graph. The transaction that hands out
    /// checks the revision. Where the copy refuses, the database decides.
    ///
    /// - Parameter turn: handed on where nothing is offered.
    func offer(_ request: ClaimRequest, _ turn: Turn? = nil) async throws(ServiceError) -> ClaimOffer {
        if let catalog = transactions.catalogs.known {
            do { return try catalog.offer(request, transactions.visibleProjects) } catch {
                // The graph may have changed, so that the database has to decide.
            }
        }
        do throws(ServiceError) {
            return try await apart { () async throws(ServiceError) in
                try await transactions.read { (transaction) throws(ServiceError) in
                    try transaction.catalog.offer(request, transaction.visibleProjects)
                }
            }
        } catch {
            if let turn { waiters.pass(turn) }
            throw error
        }
    }

    /// One attempt at one feature; small claims of the same kind are made together.
    private func claim(
        _ request: ClaimRequest, _ feature: FeatureID, _ revision: Int64
    ) async throws(ServiceError) -> ClaimOutcome {
        guard request.isSmall else { return try await claim([request], feature, revision)[0] }
        let kind = SmallClaimKind(
            feature: feature, revision: revision, conditions: request.conditions,
            visibleProjects: transactions.visibleProjects)
        let outcome = try await smallClaims.run(request, kind) { (requests) async throws(ServiceError) in
            try await claim(requests, feature, revision)
        }
        // Units may be left: others took what there was, or a unit may only be handed out by itself.
        guard outcome.batch == nil, outcome.isMore else { return outcome }
        return try await claim([request], feature, revision)[0]
    }

    /// One attempt at one feature for requests of the same conditions. Units whose earlier version fits get it back first,
    /// and the attempt is repeated.
    ///
    /// - Returns: an outcome for each.
    private func claim(
        _ requests: [ClaimRequest], _ feature: FeatureID, _ revision: Int64
    ) async throws(ServiceError) -> [ClaimOutcome] {
        var position: ReadyBlock?
        var isContended = false
        for _ in 0..<TransactionLimits.settleRoundsMax {
            var outcome = try await transactions.change {
                [position] (transaction) throws(ServiceError) -> ClaimOutcome in
                guard transaction.catalog.revision == revision else { return ClaimOutcome(isOutdated: true) }
                guard
                    let plan = transaction.catalog[feature],
                    transaction.catalog.dispatch(of: feature).missing(from: requests[0].tags).isEmpty,
                    try ClaimCapacity(feature: feature).reserve(&transaction, memory)
                else { return ClaimOutcome() }
                // Room under a cap is for one claim, and an order by a column is for one claim.
                let isForOne =
                    transaction.catalog.caps(of: feature) != nil
                    || transaction.catalog.dispatch(of: feature).orderBy != nil
                let served =
                    isForOne || requests.count == 1 ? [try Self.sized(requests[0], feature, transaction)] : requests
                var attempt = try ClaimAttempt(plan, served, transaction, memory)
                var outcome = try attempt.run(&transaction, after: position)
                outcome.served = served.count
                transaction.tally.add(.claimed, outcome.batches.count, of: feature)
                return outcome
            }
            for batch in outcome.batches {
                memory.remember(batch.claim, HandedOut(units: batch.units, keys: batch.records.keys))
            }
            position = outcome.position
            isContended = isContended || outcome.isContended
            outcome.isContended = isContended
            if !outcome.revertible.isEmpty {
                try await EarlierVersionRestoring(transactions: transactions).restore(outcome.revertible)
            }
            if outcome.batch != nil || (outcome.revertible.isEmpty && !outcome.isUnfinished) {
                return outcome.shared(among: requests.count)
            }
        }
        return ClaimOutcome(isContended: isContended).shared(among: requests.count)
    }

    /// The request with as many units as its worker can compute in its time, but at least one.
    ///
    /// - Complexity: one round trip where the time is bounded, none where it is not.
    private static func sized(
        _ request: ClaimRequest, _ feature: FeatureID, _ transaction: ServiceTransaction
    ) throws(ServiceError) -> ClaimRequest {
        guard let seconds = request.secondsMax else { return request }
        let pace = try stored { () throws(StoreError) in try ComputeRates(transaction.connection).read([feature]) }[
            feature]
        guard let pace, pace > 0 else { return request }
        var sized = request
        sized.limit = max(1, Int(min(seconds / pace, Double(request.limit))))
        return sized
    }
}
