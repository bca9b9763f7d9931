// Hands units to a worker, and waits where there are none yet.

public import Feature
import Postgres
public import Store

/// A worker's request for units.
public struct ClaimRequest: Sendable {
    /// The features that the worker can compute, in its order of preference among features of one priority.
    public var features: [FeatureKey]
    /// The worker's name.
    public var worker: String
    /// The greatest number of units: 1...`TransactionLimits.claimUnitsMax`.
    public var limit: Int
    /// The lease without a heartbeat, in seconds: 1...`TransactionLimits.leaseSecondsMax`.
    public var leaseSeconds: Int
    /// How long to wait for work; 0 for not at all.
    public var wait: Duration
    /// Whether the worker takes units whose inputs are not settled.
    public var allowsUnsettledInputs: Bool
    /// The kinds of units that the worker takes: new, stale or both.
    public var kinds: Set<UnitState>
    /// The greatest time for computing the units, in seconds, as estimated from earlier claims; nil for any.
    public var secondsMax: Double?
    /// The worker's tags, name to value. Features may require tags.
    public var tags: [String: String]
    /// Filters that the row of each unit must pass, as a resolve shows the row.
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

    /// Whether it may be made together with other small claims.
    var isSmall: Bool {
        limit <= TransactionLimits.smallClaimUnitsMax && secondsMax == nil && filters.isEmpty
            && IdempotentRequest.current == nil
    }

    /// Which units it takes.
    var conditions: ClaimConditions {
        ClaimConditions(kinds: kinds, filters: filters, allowsUnsettledInputs: allowsUnsettledInputs, tags: tags)
    }
}

/// The properties that small claims must share in order to be made together.
struct SmallClaimKind: Hashable, Sendable {
    let feature: FeatureID
    /// The revision of the registry by which the feature was chosen.
    let revision: Int64
    let conditions: ClaimConditions
    let visibleProjects: VisibleProjects
}

/// The units that a worker holds.
public struct ClaimedBatch: Sendable {
    /// The claim.
    public let claim: StoredClaim
    /// The feature.
    public let plan: FeaturePlan
    /// The units as a resolve shows them.
    public let records: IncrementRows
    /// The units as they are stored with the claim.
    let units: ClaimUnits

    /// The number of each unit's attempt.
    public var attempts: [Int16] { units.attempts }
}

extension ClaimService {
    /// Hands out up to `request.limit` units of the first feature that has some: those of greater priority first, then in
    /// the order in which they were asked for.
    ///
    /// Features that require tags which the worker does not have are passed over. The transaction that hands out checks the
    /// tags and the order against the registry, and reserves room under the caps.
    ///
    /// - Returns: nil where there was nothing, after waiting as long as asked.
    /// - Throws: `.featureNotFound`; `.invalid` for a root feature; `.requirementsNotMet` where all features require
    ///   tags that the worker does not have; `.stopping` where the process was about to stop when the request came;
    ///   `.unavailable`.
    /// - Complexity: O(batch) rows, whatever the size of the feature; about a dozen round trips.
    public func claim(_ request: ClaimRequest) async throws(ServiceError) -> ClaimedBatch? {
        // An empty answer would make clients ask again at once, over and over.
        guard !draining.isOn else { throw .stopping }
        let search = search
        var offer = try await search.offer(request)
        let deadline = ContinuousClock.now + request.wait
        let number = waiters.enter()
        defer { waiters.leave(number) }
        var (turn, pause) = (Turn?.none, TransactionLimits.contentionPauseMin)
        while true {
            if draining.isOn { return nil }
            let demand = ClaimDemand(
                features: Set(offer.features), limit: request.limit, conditions: request.conditions)
            let mark = waiters.mark(demand.features)
            let found = try await apart { [turn, offer] () async throws(ServiceError) -> ClaimSearch.Finding in
                try await search.look(request, offer, turn)
            }
            if let batch = found.batch { return batch }
            if found.isOutdated {
                offer = try await search.offer(request, turn)
                continue
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero, !draining.isOn else {
                for feature in found.contended { waiters.pass(Turn(feature: feature)) }
                return nil
            }
            let isWatcher = waiters.watch(number, for: demand, contended: found.contended)
            turn = await waiters.wait(
                number, for: demand, since: mark &+ found.passes, timeout: isWatcher ? min(left, pause) : left)
            pause =
                isWatcher && turn == nil
                ? min(pause * 2, TransactionLimits.contentionPauseMax) : TransactionLimits.contentionPauseMin
            if Task.isCancelled {
                if let turn { waiters.pass(turn) }
                throw .cancelled
            }
        }
    }

    private var search: ClaimSearch {
        ClaimSearch(
            transactions: transactions, waiters: waiters, notices: notices, smallClaims: smallClaims, memory: memory)
    }
}
