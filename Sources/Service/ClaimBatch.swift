// Hands a batch of units to a worker.

public import Feature
import Postgres
public import Store

/// What a worker asks for.
public struct ClaimRequest: Sendable {
    /// The features it can work on, in the order of preference.
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
    /// Which units it takes: those whose row, as a resolve shows it, passes every filter.
    public var filters: [Filter]

    /// A request for work on `features`.
    public init(
        features: [FeatureKey], worker: String, limit: Int = 256, leaseSeconds: Int = 60, wait: Duration = .zero,
        allowsUnsettledInputs: Bool = false, kinds: Set<UnitState> = [.new, .stale],
        filters: [Filter] = []
    ) {
        self.features = features
        self.worker = worker
        self.limit = limit
        self.leaseSeconds = leaseSeconds
        self.wait = wait
        self.allowsUnsettledInputs = allowsUnsettledInputs
        self.kinds = kinds
        self.filters = filters
    }
}

/// A batch in a worker's hands.
public struct ClaimedBatch: Sendable {
    /// The claim.
    public let claim: StoredClaim
    /// The feature.
    public let plan: FeaturePlan
    /// Its units, as a resolve would show them.
    public let records: [IncrementRecord]
    /// Which attempt each is.
    public let attempts: [Int16]
}

extension Metaxy {
    /// Hands out up to `request.limit` units of the first feature that has some.
    ///
    /// - Returns: nil where there was nothing, after waiting as long as asked.
    /// - Throws: `.featureNotFound`; `.invalid` for a root feature; `.unavailable`.
    /// - Complexity: O(batch) rows, whatever the size of the feature; about a dozen round trips.
    public func claim(_ request: ClaimRequest) async throws(ServiceError) -> ClaimedBatch? {
        let features = try await claimable(request.features)
        let deadline = ContinuousClock.now + request.wait
        while true {
            let mark = waiters.mark(Set(features))
            for feature in features {
                if let batch = try await claim(request, feature) { return batch }
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero, !isDraining else { return nil }
            await waiters.wait(for: Set(features), since: mark, timeout: left)
            if Task.isCancelled { throw .cancelled }
        }
    }

    private func claimable(_ keys: [FeatureKey]) async throws(ServiceError) -> [FeatureID] {
        try await read { (scope) throws(ServiceError) in
            var features: [FeatureID] = []
            for (index, key) in keys.enumerated() {
                let plan = try scope.unitPlan(key)
                guard !plan.isRoot else {
                    throw .invalid([
                        Fault(
                            .pointer(keys.count == 1 ? "/feature" : "/features/\(index)"),
                            "\(key) is a root: its records are written, not computed")
                    ])
                }
                features.append(plan.id)
            }
            return features
        }
    }

    /// One attempt at one feature; units whose earlier version fits are put back first, and the attempt repeated.
    private func claim(_ request: ClaimRequest, _ feature: FeatureID) async throws(ServiceError) -> ClaimedBatch? {
        var position: ReadyBlock?
        for _ in 0..<Limits.settleRoundsMax {
            let outcome = try await change { [position] (scope) throws(ServiceError) -> ClaimOutcome in
                guard let plan = scope.catalog[feature] else { return ClaimOutcome() }
                try scope.takeBack(feature)
                var attempt = ClaimAttempt(plan, request)
                return try attempt.run(&scope, after: position)
            }
            position = outcome.position
            if !outcome.revertible.isEmpty { try await settle(outcome.revertible) }
            if let batch = outcome.batch { return batch }
            if outcome.revertible.isEmpty && !outcome.isUnfinished { return nil }
        }
        return nil
    }
}

/// What an attempt at claiming found.
struct ClaimOutcome: Sendable {
    var batch: ClaimedBatch?
    /// Units, of this feature or upstream, whose earlier version is what they should be.
    var revertible: [FeatureID: Set<RecordID>] = [:]
    /// Whether there was more to judge than one transaction may.
    var isUnfinished = false
    /// From where to go on where nothing was found but units that are not wanted; nil for the start.
    var position: ReadyBlock?
}

/// One attempt at claiming, in one transaction.
///
/// Blocks are locked before their units are judged, so a change that this judgement does not see waits for the lock and
/// marks the unit again.
private struct ClaimAttempt {
    private let plan: FeaturePlan
    private let request: ClaimRequest
    private var chosen: [(unit: RecordID, judged: JudgedUnit, failure: Failure?)] = []
    private var parked: [RecordID] = []
    private var blocked: [RecordID: [Blocker]] = [:]
    private var settled: [RecordID] = []
    private var outcome = ClaimOutcome()

    init(_ plan: FeaturePlan, _ request: ClaimRequest) {
        self.plan = plan
        self.request = request
    }

    mutating func run(_ scope: inout Scope, after position: ReadyBlock?) throws(ServiceError) -> ClaimOutcome {
        var evaluator = scope.evaluator
        var previous = position
        var width = 1
        var judgedCount = 0
        while chosen.count < request.limit {
            let blocks = try nextBlocks(after: previous, limit: width, scope)
            guard let last = blocks.last else { break }
            for block in blocks where chosen.count < request.limit {
                scope.ledger.load(block.address, block.block)
                let units = request.allowsUnsettledInputs ? block.block.ready | block.block.parked : block.block.ready
                judgedCount += units.popcount
                try judge(units.offsets.map(block.address.record(at:)), &evaluator, scope)
            }
            previous = last
            width = min(width * 4, Limits.claimBlocksMax)
            if judgedCount >= Limits.claimJudgedMax {
                outcome.isUnfinished = true
                outcome.position = previous
                break
            }
        }
        try park(&scope)
        scope.ledger.update(settled, of: plan.id) { $0.settle($1) }
        if !chosen.isEmpty { try lease(&scope) }
        for (feature, records) in evaluator.revertible { outcome.revertible[feature, default: []].formUnion(records) }
        return outcome
    }

    /// The next blocks that may hold what is asked for. Blocked units are parked, whoever found out first.
    private func nextBlocks(
        after previous: ReadyBlock?, limit: Int, _ scope: Scope
    ) throws(ServiceError) -> [ReadyBlock] {
        try stored { () throws(StoreError) in
            request.allowsUnsettledInputs
                ? try scope.blocks.lockReadyOrParked(plan.id, after: previous, limit: limit)
                : try scope.blocks.lockReady(plan.id, after: previous, limit: limit)
        }
    }

    /// Judges units of one block until enough can be handed out: never a few at a time, for each step costs round trips
    /// and many units may turn out to need nothing.
    private mutating func judge(
        _ units: [RecordID], _ evaluator: inout Evaluator, _ scope: Scope
    ) throws(ServiceError) {
        var rest = units[...]
        while chosen.count < request.limit, !rest.isEmpty {
            let part = Array(rest.prefix(max(request.limit - chosen.count, Limits.claimJudgedMin)))
            rest = rest.dropFirst(part.count)
            let judged: [RecordID: JudgedUnit]
            let failures: [RecordID: Failure]
            do {
                judged = try evaluator.judge(plan, part)
                failures = try Failures(scope.connection, feature: plan.id).read(part)
            } catch {
                throw ServiceError(error)
            }
            let first = chosen.count
            for unit in part {
                if let judgedUnit = judged[unit] { sort(unit, judgedUnit, failures[unit]) }
            }
            try filter(from: first, scope)
        }
    }

    /// Leaves out what was chosen from `first` on and does not pass the worker's filters.
    private mutating func filter(from first: Int, _ scope: Scope) throws(ServiceError) {
        guard !request.filters.isEmpty, first < chosen.count else { return }
        let records = try IncrementDescriber(scope).describe(plan, chosen[first...].map { ($0.unit, $0.judged) })
        var passing: Set<RecordID> = []
        do {
            for record in records where try FilteredRow(record, plan: plan).passes(request.filters) {
                passing.insert(record.record)
            }
        } catch {
            throw ServiceError(error)
        }
        chosen = chosen[..<first] + chosen[first...].filter { passing.contains($0.unit) }
    }

    private mutating func sort(_ unit: RecordID, _ judged: JudgedUnit, _ failure: Failure?) {
        if judged.earlier != nil {
            outcome.revertible[plan.id, default: []].insert(unit)
            return
        }
        switch judged.state {
        case .upToDate, .suppressed, .absent: settled.append(unit)
        case .orphaned: parked.append(unit)
        case .new, .stale:
            let expected = judged.judgement.expectation?.provenance ?? []
            let isFailing = failure.map { $0.provenance == expected.compactMap { $0 } } ?? false
            if isFailing, let failure, !failure.isDue {
                parked.append(unit)
            } else if !judged.blockers.isEmpty && (!request.allowsUnsettledInputs || expected.contains(nil)) {
                blocked[unit] = judged.blockers
            } else if request.kinds.contains(judged.state) && !expected.contains(nil) && chosen.count < request.limit {
                chosen.append((unit, judged, isFailing ? failure : nil))
            }
        }
    }

    /// Parks what cannot be handed out. A blocked unit is parked only if its blocker, and all on the way to it, can be
    /// told that they are awaited; where somebody else holds one of their blocks, the unit stays a candidate.
    private mutating func park(_ scope: inout Scope) throws(ServiceError) {
        if !blocked.isEmpty {
            let awaited = Set(blocked.values.compactMap(\.first).flatMap { [$0.unit] + $0.path })
            do { try scope.blocks.lockFree(awaited.map(\.block), into: &scope.ledger) } catch {
                throw ServiceError(error)
            }
            for (unit, blockers) in blocked {
                guard let blocker = blockers.first else { continue }
                let way = [blocker.unit] + blocker.path
                guard
                    way.allSatisfy({ scope.ledger.holds($0.block) }),
                    scope.ledger[blocker.unit.block].candidates.contains(blocker.unit.record.offsetInBlock)
                else { continue }
                for unit in way { scope.ledger.update([unit.record], of: unit.feature) { $0.await($1) } }
                parked.append(unit)
            }
        }
        scope.ledger.update(parked, of: plan.id) { $0.park($1) }
    }

    private mutating func lease(_ scope: inout Scope) throws(ServiceError) {
        chosen.sort { $0.unit < $1.unit }
        let units = chosen.map { unit, judged, failure in
            ClaimedUnit(
                record: unit, base: judged.head?.entry ?? 0, attempt: Int16(clamping: (failure?.attempts ?? 0) + 1),
                provenance: judged.judgement.expectation?.provenance.compactMap { $0 } ?? [],
                parents: judged.judgement.expectation?.parents ?? [])
        }
        scope.ledger.update(units.map(\.record), of: plan.id) { block, bits in
            block.unpark(bits)
            block.lease(bits)
        }
        let connection = scope.connection
        let claim = try stored { () throws(StoreError) in
            try Claims(connection).create(
                feature: plan.id, definition: plan.definition, worker: request.worker,
                leaseSeconds: Int32(request.leaseSeconds), units: units)
        }
        let records = try IncrementDescriber(scope).describe(plan, chosen.map { ($0.unit, $0.judged) })
        outcome.batch = ClaimedBatch(claim: claim, plan: plan, records: records, attempts: units.map(\.attempt))
    }
}
