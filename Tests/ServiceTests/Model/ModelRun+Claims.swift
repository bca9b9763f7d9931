// Steps: workers taking work.

import Feature
import Service
import Store

/// What a worker asks for.
struct ModelRequest {
    var limit: Int
    var kinds: Set<UnitState> = [.new, .stale]
    var takesUnsettled = false
}

extension Model {
    /// The units that a worker may be given.
    func claimable(_ feature: ModelFeature, _ request: ModelRequest) -> [ModelKey: ModelStanding] {
        var claimable: [ModelKey: ModelStanding] = [:]
        for unit in units(feature) where !isLeased(feature.key, unit) {
            let standing = standing(feature, unit)
            guard
                (standing.state == .new && request.kinds.contains(.new))
                    || (standing.state == .stale && request.kinds.contains(.stale)),
                standing.expected.count == feature.fields.count,
                request.takesUnsettled || !isBlocked(feature, unit)
            else { continue }
            let failure = failures[feature.key]?[unit]
            if let failure, failure.time != .due, failure.provenance == provenanceList(feature, standing) { continue }
            claimable[unit] = standing
        }
        return claimable
    }

    func provenanceList(_ feature: ModelFeature, _ standing: ModelStanding) -> [String] {
        feature.fieldKeys.compactMap { standing.expected[$0] }
    }

    /// Which attempt at a unit the next is.
    func attempt(_ feature: ModelFeature, _ unit: ModelKey, _ standing: ModelStanding) -> Int {
        guard let failure = failures[feature.key]?[unit], failure.provenance == provenanceList(feature, standing)
        else { return 1 }
        return failure.attempts + failure.expiries + 1
    }

    /// How many of these units may be handed out together, as far as leases that ran out are concerned.
    func batchMax(_ feature: ModelFeature, _ units: [ModelKey: ModelStanding]) -> Int {
        units.compactMap { unit, standing in
            failure(feature.key, unit, provenanceList(feature, standing))?.batchMax
        }.min() ?? .max
    }

    /// Notes which units in workers' hands are no longer what was handed out.
    mutating func noteMoves() {
        for index in claims.indices where claims[index].isActive {
            guard let feature = graph.features[claims[index].feature] else { continue }
            for position in claims[index].open {
                let unit = claims[index].units[position]
                let isSame =
                    expectation(feature, unit.key)?.provenance == unit.provenance
                    && current(feature.units, unit.key)?.number == unit.base
                if !isSame { claims[index].units[position].mayHaveMoved = true }
            }
        }
    }
}

extension ModelRun {
    /// Some worker asks for some work.
    mutating func claim() async throws {
        let wanted = random.some(random.chance(15) ? 2 : 1, of: model.derived)
        guard !wanted.isEmpty else { return }
        var request = ModelRequest(limit: 1 + random.below(5))
        if random.chance(15) { request.kinds = [random.chance(50) ? .new : .stale] }
        request.takesUnsettled = !isUnasked && random.chance(8)
        try await claim(wanted, request)
    }

    /// Asks for work and holds what is given against what may be.
    ///
    /// - Returns: the claim, by its place among the model's.
    @discardableResult
    mutating func claim(_ wanted: [String], _ request: ModelRequest) async throws -> Int? {
        let kinds = request.kinds.map(\.rawValue).sorted().joined(separator: "+")
        note(
            "claim \(wanted.joined(separator: ", ")) limit \(request.limit) \(kinds)"
                + (request.takesUnsettled ? " also unsettled" : ""))
        let batch = try await rig.world.metaxy.claims.claim(
            ClaimRequest(
                features: try wanted.map { try featureKey($0) }, worker: "w", limit: request.limit,
                allowsUnsettledInputs: request.takesUnsettled, kinds: request.kinds))
        let before = model
        if isUnasked { model.revert() }
        let claimable = wanted.map { key in
            model.graph.features[key].map { model.claimable($0, request) } ?? [:]
        }
        guard let batch else {
            let left = zip(wanted, claimable).flatMap { key, units in units.keys.map { "\(key) \(text($0))" } }
            try expect("nothing to hand out", service: [], model: left.sorted())
            return nil
        }
        log.append(
            "     → claim \(batch.claim.id): " + batch.records.map { text(modelKey($0.key)) }.joined(separator: " "))
        guard let place = wanted.firstIndex(of: batch.plan.key.description) else {
            throw differ("a claim", service: batch.plan.key, model: wanted)
        }
        let hasEarlier = claimable[..<place].contains { !$0.isEmpty }
        if !isUnasked && hasEarlier { throw differ("work of an earlier feature", service: "none", model: claimable) }
        return try take(batch, claimable[place], request, asOf: before)
    }

    private mutating func take(
        _ batch: ClaimedBatch, _ claimable: [ModelKey: ModelStanding], _ request: ModelRequest, asOf before: Model
    ) throws -> Int {
        let key = batch.plan.key.description
        guard let feature = model.graph.features[key], let definition = model.definitions[key] else {
            throw differ("a claim", service: key, model: "no such feature")
        }
        // Before anybody has asked, units whose earlier version fits may keep others from being handed out at once.
        let most = min(request.limit, claimable.count, model.batchMax(feature, claimable))
        if batch.records.count > most || (!isUnasked && batch.records.count < most) {
            throw differ("units handed out", service: batch.records.count, model: "\(most) of \(claimable.keys)")
        }
        var units: [ModelUnit] = []
        for (record, attempt) in zip(batch.records, batch.attempts) {
            let unit = modelKey(record.key)
            guard let standing = claimable[unit] else {
                throw differ("claimed \(key) \(text(unit))", service: "handed out", model: describe(feature, unit))
            }
            try compare(record, batch.plan, standing, "claimed \(key) \(text(unit))")
            try expect("the attempt", service: Int(attempt), model: model.attempt(feature, unit, standing))
            let parents = Self.either(
                before.expectation(feature, unit)?.parents ?? [], model.expectation(feature, unit)?.parents ?? [])
            units.append(
                ModelUnit(
                    key: unit, base: model.current(feature.units, unit)?.number, provenance: standing.expected,
                    parents: parents))
        }
        model.claims.append(
            ModelClaim(
                id: batch.claim.id, token: batch.claim.token, feature: key, definition: definition, units: units))
        return model.claims.count - 1
    }

    /// An input of which a unit uses no field may be put back before the unit is handed out, or after.
    private static func either(_ before: [[ModelParents]], _ after: [[ModelParents]]) -> [[ModelParents]] {
        zip(before, after).map { $0.count == $1.count ? zip($0, $1).map { $0.union($1) } : $0 }
    }

    /// What the model thinks of a unit.
    func describe(_ feature: ModelFeature, _ unit: ModelKey) -> String {
        let standing = model.standing(feature, unit)
        return standing.state.rawValue + (model.isBlocked(feature, unit) ? ", blocked" : "")
            + (model.isLeased(feature.key, unit) ? ", leased" : "")
            + (model.failures[feature.key]?[unit].map { ", failed \($0.attempts), \($0.time)" } ?? "")
    }

    /// Claims and completes whatever can be, feature after feature, until there is nothing more.
    mutating func workOff(_ features: [String]) async throws {
        for feature in features {
            var isMore = true
            while isMore {
                let place = try await claim([feature], ModelRequest(limit: 1 + random.below(9)))
                if isUnasked { try await check() }
                if let place { try await complete(place, all: true) }
                // A result may be what some earlier version downstream was made from.
                isUnasked = model.wouldRevert
                isMore = place != nil
            }
        }
    }
}
