// Hands a batch of units to a worker.

public import Feature
import Postgres
public import Store

/// What a worker asks for.
public struct ClaimRequest: Sendable {
    /// The features it can work on; those of one priority in the order of preference.
    public var features: [FeatureKey]
    /// Its name.
    public var worker: String
    /// How many units at most: 1...`Limits.claimUnitsMax`.
    public var limit: Int
    /// For how long it holds them without a heartbeat: seconds, 1...`Limits.leaseSecondsMax`.
    public var leaseSeconds: Int
    /// How long it waits for work: 0 for not at all.
    public var wait: Duration
    /// Whether it takes units whose inputs are not settled.
    public var allowsUnsettledInputs: Bool
    /// Which kinds of units it takes: new, stale or both.
    public var kinds: Set<UnitState>
    /// For how many seconds it wants to compute: fewer units than `limit` where more would take longer, as far as is known
    /// from earlier claims; nil for any.
    public var secondsMax: Double?
    /// Its tags, name to value: what features may require.
    public var tags: [String: String]
    /// Which units it takes: those whose row, as a resolve shows it, passes every filter.
    public var filters: [Filter]

    /// A request for work on `features`.
    public init(
        features: [FeatureKey], worker: String, limit: Int = 256, leaseSeconds: Int = 60, wait: Duration = .zero,
        allowsUnsettledInputs: Bool = false, kinds: Set<UnitState> = [.new, .stale],
        filters: [Filter] = [], secondsMax: Double? = nil, tags: [String: String] = [:]
    ) {
        self.features = features
        self.worker = worker
        self.limit = limit
        self.leaseSeconds = leaseSeconds
        self.wait = wait
        self.allowsUnsettledInputs = allowsUnsettledInputs
        self.kinds = kinds
        self.filters = filters
        self.secondsMax = secondsMax
        self.tags = tags
    }

    /// Whether it is worth making together with others, and may be.
    var isSmall: Bool {
        limit <= Limits.smallClaimUnitsMax && secondsMax == nil && filters.isEmpty && IdempotentRequest.current == nil
    }

    /// Which units it takes.
    var conditions: ClaimConditions {
        ClaimConditions(kinds: kinds, filters: filters, allowsUnsettledInputs: allowsUnsettledInputs, tags: tags)
    }
}

/// What has to be the same for small claims to be made together.
struct SmallClaimKind: Hashable, Sendable {
    let feature: FeatureID
    /// Of the registry that the feature was chosen by.
    let revision: Int64
    let conditions: ClaimConditions
    let visibleProjects: VisibleProjects
}

/// A batch in a worker's hands.
public struct ClaimedBatch: Sendable {
    /// The claim.
    public let claim: StoredClaim
    /// The feature.
    public let plan: FeaturePlan
    /// Its units, as a resolve would show them.
    public let records: IncrementRows
    /// Its units, as they are stored with the claim.
    let units: ClaimUnits

    /// Which attempt each is.
    public var attempts: [Int16] { units.attempts }
}

extension ClaimService {
    /// Hands out up to `request.limit` units of the first feature that has some: those of greater priority first, then in
    /// the order in which they were asked for.
    ///
    /// Features that require tags which the worker does not have are passed over. Which they are, and their order, is as
    /// the registry has it in the transaction that hands out, which also looks for a place under the caps.
    ///
    /// - Returns: nil where there was nothing, after waiting as long as asked.
    /// - Throws: `.featureNotFound`; `.invalid` for a root feature; `.requirementsNotMet` where all features require
    ///   tags that the worker does not have; `.stopping` where the process was about to stop when the request came;
    ///   `.unavailable`.
    /// - Complexity: O(batch) rows, whatever the size of the feature; about a dozen round trips.
    public func claim(_ request: ClaimRequest) async throws(ServiceError) -> ClaimedBatch? {
        // That there is nothing to do would be wrong, and who believes it and asks again at once would ask all the time.
        guard !draining.isOn else { throw .stopping }
        var offer = try await offer(request)
        let deadline = ContinuousClock.now + request.wait
        let number = waiters.enter()
        defer { waiters.leave(number) }
        var (turn, pause) = (Turn?.none, Limits.contentionPauseMin)
        while true {
            if draining.isOn { return nil }
            let demand = ClaimDemand(
                features: Set(offer.features), limit: request.limit, conditions: request.conditions)
            let mark = waiters.mark(demand.features)
            let look = try await apart { [turn, offer] () async throws(ServiceError) -> ClaimSearch in
                try await self.look(request, offer, turn)
            }
            if let batch = look.batch {
                ahead.noteAsked()
                return batch
            }
            if look.isOutdated {
                offer = try await self.offer(request, turn)
                continue
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero, !draining.isOn else {
                for feature in look.contended { waiters.pass(Turn(feature: feature)) }
                return nil
            }
            let isWatcher = waiters.watch(number, for: demand, contended: look.contended)
            turn = await waiters.wait(
                number, for: demand, since: mark &+ look.passes, timeout: isWatcher ? min(left, pause) : left)
            pause = isWatcher && turn == nil ? min(pause * 2, Limits.contentionPauseMax) : Limits.contentionPauseMin
            if Task.isCancelled {
                if let turn { waiters.pass(turn) }
                throw .cancelled
            }
        }
    }

    /// What one look at the features found.
    private struct ClaimSearch: Sendable {
        var batch: ClaimedBatch?
        /// Whether the registry was changed since the features were chosen.
        var isOutdated = false
        /// Features of which somebody else held something that can be handed out.
        var contended: Set<FeatureID> = []
        /// How many turns were handed on to nobody: they count as wake-ups.
        var passes: UInt64 = 0
    }

    /// Looks for work in each of the features, and hands the turn to look on to others where something may be left.
    private func look(
        _ request: ClaimRequest, _ offer: ClaimOffer, _ turn: Turn?
    ) async throws(ServiceError) -> ClaimSearch {
        var turn = turn
        var look = ClaimSearch()
        do throws(ServiceError) {
            for feature in offer.features {
                let outcome = try await claim(request, feature, offer.revision)
                if outcome.isOutdated { return ClaimSearch(isOutdated: true) }
                if let batch = outcome.batch {
                    handOn(turn, after: feature, isMore: outcome.isMore || outcome.isUnfinished)
                    return ClaimSearch(batch: batch)
                }
                if outcome.isContended {
                    look.contended.insert(feature)
                } else if turn?.feature == feature {
                    turn?.fruitless.insert(request.conditions)
                }
            }
        } catch {
            if let turn { waiters.pass(turn) }
            throw error
        }
        // Where somebody else holds blocks, all who wait would meet them one after the other: whoever watches looks again.
        if let turn, !look.contended.contains(turn.feature), !waiters.pass(turn) { look.passes = 1 }
        return look
    }

    /// Hands on the turn of one that took units of `feature`.
    private func handOn(_ turn: Turn?, after feature: FeatureID, isMore: Bool) {
        if let turn, turn.feature != feature { waiters.pass(turn) }
        guard isMore else { return }
        let next = turn.flatMap { $0.feature == feature ? $0 : nil } ?? Turn(feature: feature)
        // Others were woken together with the one whose turn it was, and met blocks that it held.
        if !waiters.pass(next), turn != nil { notices.add([feature: .some]) }
    }

    /// What the worker can have work of, by the graph that this process knows: who hands out sees whether it still holds.
    /// What that refuses is asked of the database.
    ///
    /// - Parameter turn: handed on where nothing is offered.
    private func offer(_ request: ClaimRequest, _ turn: Turn? = nil) async throws(ServiceError) -> ClaimOffer {
        if let catalog = transactions.catalogs.known {
            do { return try catalog.offer(request, transactions.visibleProjects) } catch {
                // The graph may have changed: the answer to that is the database's.
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
        // What was enough for some of them, or may only be handed out by itself, is left.
        guard outcome.batch == nil, outcome.isMore else { return outcome }
        return try await claim([request], feature, revision)[0]
    }

    /// One attempt at one feature for requests of the same conditions; units whose earlier version fits are put back first,
    /// and the attempt repeated.
    ///
    /// - Returns: an outcome for each.
    private func claim(
        _ requests: [ClaimRequest], _ feature: FeatureID, _ revision: Int64
    ) async throws(ServiceError) -> [ClaimOutcome] {
        var position: ReadyBlock?
        var isContended = false
        for _ in 0..<Limits.settleRoundsMax {
            var outcome = try await transactions.change {
                [position] (transaction) throws(ServiceError) -> ClaimOutcome in
                guard transaction.catalog.revision == revision else { return ClaimOutcome(isOutdated: true) }
                guard
                    let plan = transaction.catalog[feature],
                    transaction.catalog.dispatch(of: feature).missing(from: requests[0].tags).isEmpty,
                    try transaction.takePlace(feature)
                else { return ClaimOutcome() }
                // The place under a cap is for one, and records that belong together are chosen for one.
                let isForOne =
                    transaction.catalog.caps(of: feature) != nil
                    || transaction.catalog.dispatch(of: feature).orderBy != nil
                let served =
                    isForOne || requests.count == 1 ? [try transaction.sized(requests[0], feature)] : requests
                var attempt = try ClaimAttempt(plan, served, transaction)
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
            if !outcome.revertible.isEmpty { try await restoring.restore(outcome.revertible) }
            if outcome.batch != nil || (outcome.revertible.isEmpty && !outcome.isUnfinished) {
                return outcome.shared(among: requests.count)
            }
        }
        return ClaimOutcome(isContended: isContended).shared(among: requests.count)
    }
}

/// What a worker can have work of.
private struct ClaimOffer: Sendable {
    /// The features, in the order in which they are looked at.
    let features: [FeatureID]
    /// The revision of the registry that they are of.
    let revision: Int64
}

extension Catalog {
    /// What the worker can have work of.
    ///
    /// - Throws: `.featureNotFound`; `.invalid` for a root; `.requirementsNotMet`.
    fileprivate func offer(_ request: ClaimRequest, _ visibleProjects: VisibleProjects) throws(ServiceError)
        -> ClaimOffer
    {
        let keys = request.features
        var features: [(id: FeatureID, priority: Int32, place: Int)] = []
        var unmet: [String] = []
        for (index, key) in keys.enumerated() {
            guard let plan = units(of: key), visibleProjects.sees(key, in: self) else {
                throw .featureNotFound(key.description)
            }
            guard !plan.isRoot else {
                throw .invalid([
                    Fault(
                        .pointer(keys.count == 1 ? "/feature" : "/features/\(index)"),
                        "\(key) is a root: its records are written, not computed")
                ])
            }
            let settings = dispatch(of: plan.id)
            let missing = settings.missing(from: request.tags)
            if missing.isEmpty {
                features.append((plan.id, settings.priority, index))
            } else {
                unmet.append("\(key) requires \(missing.joined(separator: " "))")
            }
        }
        guard !features.isEmpty else {
            throw .requirementsNotMet(unmet.prefix(Limits.faultsMax).joined(separator: "; "))
        }
        return ClaimOffer(
            features: features.sorted { ($1.priority, $0.place) < ($0.priority, $1.place) }.map(\.id),
            revision: revision)
    }
}

extension ServiceTransaction {
    /// The request with as many units as its worker computes in the time that it wants to; at least one.
    ///
    /// - Complexity: one round trip where the time is bounded, none where it is not.
    fileprivate func sized(_ request: ClaimRequest, _ feature: FeatureID) throws(ServiceError) -> ClaimRequest {
        guard let seconds = request.secondsMax else { return request }
        let pace = try stored { () throws(StoreError) in try ComputeRates(connection).read([feature]) }[feature]
        guard let pace, pace > 0 else { return request }
        var sized = request
        sized.limit = max(1, Int(min(seconds / pace, Double(request.limit))))
        return sized
    }
}

/// What an attempt at claiming found.
struct ClaimOutcome: Sendable {
    /// Whether nothing was looked at, because the registry was changed since the feature was chosen.
    var isOutdated = false
    /// What is handed out, in the order of the requests; the last of them may get nothing.
    var batches: [ClaimedBatch] = []
    /// How many of the requests were looked at.
    var served = Int.max
    /// Units, of this feature or upstream, whose earlier version is what they should be.
    var revertible: [FeatureID: Set<RecordID>] = [:]
    /// Whether there was more to judge than one transaction may.
    var isUnfinished = false
    /// Whether units may be left that could be handed out, but not in this batch.
    var isMore = false
    /// Whether there were blocks with something to hand out that somebody else held.
    var isContended = false
    /// From where to go on where nothing was found but units that are not wanted; nil for the start.
    var position: ReadyBlock?

    /// What the first request gets.
    var batch: ClaimedBatch? { batches.first }

    /// An outcome for each of so many requests.
    fileprivate func shared(among count: Int) -> [ClaimOutcome] {
        (0..<count).map { index in
            var outcome = self
            outcome.batches = index < batches.count ? [batches[index]] : []
            outcome.isMore = isMore || index >= served
            return outcome
        }
    }
}
