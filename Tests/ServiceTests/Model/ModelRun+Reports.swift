// Steps: what workers report, and what becomes of claims that they forget.

import Feature
import Service
import Store

extension ModelRun {
    /// Some claim, mostly one that is still held.
    private mutating func someClaim() -> Int? {
        let active = model.claims.indices.filter { model.claims[$0].isActive }
        if !active.isEmpty && !random.chance(7) { return random.pick(active) }
        return model.claims.indices.randomElement(using: &random)
    }

    /// Whether the claim can still be reported on.
    private func isHeld(_ place: Int, alsoFinished: Bool = false) -> Bool {
        let claim = model.claims[place]
        return (claim.isActive || (alsoFinished && claim.state == .finished))
            && model.graph.features[claim.feature] != nil
    }

    func name(_ place: Int) -> String {
        "claim \(model.claims[place].id) on \(model.claims[place].feature)"
    }

    private func keys(_ place: Int, _ positions: [Int]) -> String {
        positions.map { text(model.claims[place].units[$0].key) }.joined(separator: " ")
    }

    /// Does something with a claim; nil where the service says that the lease was lost, which must be so.
    func report<T>(
        _ place: Int, _ what: String, alsoFinished: Bool = false, _ body: () async throws -> T
    ) async throws -> T? {
        let isHeld = isHeld(place, alsoFinished: alsoFinished)
        do {
            let outcome = try await body()
            if !isHeld { throw differ("\(what) under a lost \(name(place))", service: "done", model: "refused") }
            return outcome
        } catch ServiceError.leaseLost(let reason) {
            if isHeld { throw differ("\(what) under \(name(place))", service: reason, model: "done") }
            return nil
        }
    }

    // MARK: Completion

    mutating func complete() async throws {
        guard let place = someClaim() else { return }
        try await complete(place, all: false)
    }

    mutating func complete(_ place: Int, all: Bool) async throws {
        let claim = model.claims[place]
        var positions = claim.open
        if !all && random.chance(40) { positions = random.some(1 + random.below(3), of: positions) }
        // A report that is sent again is answered again.
        let again = claim.units.indices.filter { claim.units[$0].isDone && !claim.units[$0].hasFailed }
        if random.chance(15) { positions += random.some(1, of: again) }
        guard !positions.isEmpty else { return }
        if let feature = model.graph.features[claim.feature], feature.expandsOn != nil {
            return try await expand(place, positions, feature)
        }
        var overrides: [[String: String]] = []
        let metadata = random.chance(25) ? #"{"n":\#(random.below(5))}"# : "{}"
        for position in positions {
            var data: [String: String] = [:]
            let head = model.head(claim.feature, claim.units[position].key)?.version
            for field in claim.definition.fieldKeys where random.chance(30) {
                data[field] = random.chance(50) ? head?.data[field] : "o\(random.below(3))"
            }
            overrides.append(data)
        }
        let rows = zip(positions, overrides).enumerated().map { index, row in
            RecordRow(
                place: .line(index + 1), key: recordKey(claim.units[row.0].key), metadata: Array(metadata.utf8),
                provenance: nil, dataVersions: row.1.isEmpty ? nil : Self.byStructKey(row.1))
        }
        note(
            "complete \(name(place)):"
                + zip(positions, overrides).map { " \(text(claim.units[$0].key)) [\(text($1))]" }.joined())
        let metaxy = rig.world.metaxy
        let outcome = try await report(place, "completion", alsoFinished: true) {
            try await metaxy.claims.complete(claim: claim.id, token: claim.token, rows: rows, writer: Writer())
        }
        guard let outcome else { return }
        store(place, positions, overrides, metadata)
        try compare(outcome, place, positions, asOf: claim)
    }

    /// Compares what a completion answers.
    ///
    /// - Parameter claim: as it was before.
    func compare(_ outcome: CompletionOutcome, _ place: Int, _ positions: [Int], asOf claim: ModelClaim) throws {
        try expect("completed", service: outcome.completed, model: positions.count)
        try expect("remaining", service: outcome.remaining, model: model.claims[place].open.count)
        try compareSuperseded(
            place, positions.filter { !claim.units[$0].isDone }, outcome,
            hasRepeats: positions.contains { claim.units[$0].isDone })
    }

    /// A result of a unit that somebody else wrote meanwhile, or that needs no result any more, is only remembered.
    private mutating func store(
        _ place: Int, _ positions: [Int], _ overrides: [[String: String]], _ metadata: String
    ) {
        let claim = model.claims[place]
        let before = model
        model.beginChange()
        for (position, data) in zip(positions, overrides) where !claim.units[position].isDone {
            let unit = claim.units[position]
            let isLate = before.graph.features[claim.feature].map { before.isLate(unit, $0) } ?? true
            model.append(
                ModelVersion(
                    kind: isLate ? .late : .computed, definition: claim.definition, provenance: unit.provenance,
                    data: unit.provenance.merging(data) { $1 }, parents: unit.parents, metadata: metadata),
                to: claim.feature, unit.key, becomesHead: !isLate)
            model.finish(place, position)
        }
        model.noteMoves()
    }

    private func compareSuperseded(
        _ place: Int, _ positions: [Int], _ outcome: CompletionOutcome, hasRepeats: Bool
    ) throws {
        let claim = model.claims[place]
        guard !hasRepeats, let feature = model.graph.features[claim.feature] else { return }
        let stale = positions.filter {
            ![.upToDate, .suppressed].contains(model.standing(feature, claim.units[$0].key).state)
        }.count
        let moved = positions.filter { claim.units[$0].mayHaveMoved }.count
        if outcome.superseded < stale || outcome.superseded > max(stale, moved) {
            throw differ("superseded", service: outcome.superseded, model: "\(stale) stale, \(moved) moved")
        }
    }

    // MARK: Failure, release, heartbeat

    mutating func fail() async throws {
        guard let place = someClaim() else { return }
        let claim = model.claims[place]
        let positions = random.some(1 + random.below(3), of: claim.open)
        guard !positions.isEmpty else { return }
        let isRetryable = random.chance(60)
        note("fail \(name(place)) \(isRetryable ? "retryable" : "for good"): \(keys(place, positions))")
        let records = positions.enumerated().map {
            (place: Fault.Place.line($0 + 1), key: recordKey(claim.units[$1].key))
        }
        let metaxy = rig.world.metaxy
        let outcome = try await report(place, "failure") {
            try await metaxy.claims.fail(
                claim: claim.id, token: claim.token,
                report: FailureReport(records: records, error: "e", isRetryable: isRetryable))
        }
        guard let outcome else { return }
        var quarantined = 0
        for position in positions {
            let unit = claim.units[position]
            let provenance = claim.definition.fieldKeys.compactMap { unit.provenance[$0] }
            let known = model.failure(claim.feature, unit.key, provenance)
            let attempts = known?.attempts ?? 0
            let isLast = !isRetryable || attempts + 1 >= TransactionLimits.attemptsMax
            if isLast { quarantined += 1 }
            model.failures[claim.feature, default: [:]][unit.key] = ModelFailure(
                provenance: provenance, attempts: attempts + 1, time: isLast ? .never : .later,
                expiries: known?.expiries ?? 0, batchMax: known?.batchMax ?? .max)
            model.claims[place].units[position].isDone = true
            model.claims[place].units[position].hasFailed = true
        }
        if model.claims[place].open.isEmpty { model.claims[place].state = .finished }
        try expect("failed", service: outcome.failed, model: positions.count)
        try expect("quarantined", service: outcome.quarantined, model: quarantined)
        try expect("to be tried again", service: outcome.willRetry, model: positions.count - quarantined)
    }

    mutating func release() async throws {
        guard let place = someClaim() else { return }
        let claim = model.claims[place]
        note("release \(name(place))")
        let metaxy = rig.world.metaxy
        let outcome = try await report(place, "release") {
            try await metaxy.claims.release(claim: claim.id, token: claim.token)
        }
        guard let outcome else { return }
        try expect("released", service: outcome, model: claim.open.count)
        model.claims[place].state = .ended
    }

    mutating func heartbeat() async throws {
        guard let place = someClaim() else { return }
        let claim = model.claims[place]
        note("heartbeat \(name(place))")
        let metaxy = rig.world.metaxy
        let outcome = try await report(place, "heartbeat") {
            try await metaxy.claims.heartbeat(claim: claim.id, token: claim.token, leaseSeconds: nil)
        }
        guard let outcome, let feature = model.graph.features[claim.feature] else { return }
        let superseded = Set(outcome.superseded.map(modelKey))
        for position in claim.open {
            let unit = claim.units[position]
            let expected = model.expectation(feature, unit.key)?.provenance
            let isLost =
                feature.fieldKeys.contains { expected?[$0] == nil || expected?[$0] != unit.provenance[$0] }
                || model.current(feature.units, unit.key)?.number != unit.base
            if isLost && !superseded.contains(unit.key) {
                throw differ("\(text(unit.key)) under \(name(place))", service: "as before", model: "superseded")
            }
            if !unit.mayHaveMoved && superseded.contains(unit.key) {
                throw differ("\(text(unit.key)) under \(name(place))", service: "superseded", model: "as before")
            }
        }
    }

    // MARK: Time

    /// Lets a lease run out. The rest is taken back by the sweep, or by the next claim.
    ///
    /// - Returns: whether that was a claim.
    mutating func expire() async throws -> Bool {
        let active = model.claims.indices.filter { model.claims[$0].isActive }
        guard let place = active.randomElement(using: &random) else { return false }
        note("the lease of \(name(place)) runs out")
        let feature = model.claims[place].feature
        try await rig.endLease(of: model.claims[place].id)
        model.lose(place)
        if random.chance(50) || !model.derived.contains(feature) {
            try await rig.world.metaxy.claims.expire()
            return false
        }
        try await claim([feature], ModelRequest(limit: 1))
        return true
    }

    /// Lets the delays of failed units pass.
    mutating func passTime() async throws {
        note("the delays of failed units pass")
        try await rig.endDelays()
        for (feature, failures) in model.failures {
            for (key, failure) in failures where failure.time == .later { model.failures[feature]?[key]?.time = .due }
        }
    }
}

extension Model {
    /// The failure of a unit on a provenance.
    func failure(_ feature: String, _ unit: ModelKey, _ provenance: [String]) -> ModelFailure? {
        failures[feature]?[unit].flatMap { $0.provenance == provenance ? $0 : nil }
    }

    /// A lease runs out: who was alone has failed, and from the second time on a batch comes back in halves.
    mutating func lose(_ place: Int) {
        let claim = claims[place]
        let open = claim.open
        for position in open {
            let unit = claim.units[position]
            let provenance = claim.definition.fieldKeys.compactMap { unit.provenance[$0] }
            let known = failure(claim.feature, unit.key, provenance)
            let attempts = (known?.attempts ?? 0) + (open.count == 1 ? 1 : 0)
            let expiries = (known?.expiries ?? 0) + 1
            failures[claim.feature, default: [:]][unit.key] = ModelFailure(
                provenance: provenance, attempts: attempts,
                time: open.count == 1 && attempts >= TransactionLimits.attemptsMax ? .never : .due, expiries: expiries,
                batchMax: expiries == 1 ? .max : (open.count + 1) / 2)
        }
        claims[place].state = .ended
    }

    /// Whether the result of a unit comes too late: somebody else wrote it meanwhile, or it needs no result any more.
    func isLate(_ unit: ModelUnit, _ feature: ModelFeature) -> Bool {
        current(feature.units, unit.key)?.number != unit.base || isRight(feature, unit.key)
    }

    /// Takes a unit out of a worker's hands.
    mutating func finish(_ place: Int, _ position: Int) {
        claims[place].units[position].isDone = true
        failures[claims[place].feature]?[claims[place].units[position].key] = nil
        if claims[place].open.isEmpty { claims[place].state = .finished }
    }
}
