// Recomputes features the slow way and compares with the incremental state.

public import Feature
import Postgres
import Store

/// Something that the incremental state has wrong.
public struct VerifyMismatch: Hashable, Sendable {
    /// The feature.
    public let feature: FeatureKey
    /// The names of its id columns.
    public let columns: [String]
    /// The record; nil where it is the feature as a whole.
    public let key: RecordKey?
    /// What it is.
    public let detail: String
}

/// What a verification found.
public struct VerifyOutcome: Sendable {
    /// How many records were judged.
    public var checked = 0
    /// What is wrong, at most `Limits.faultsMax`.
    public var mismatches: [VerifyMismatch] = []
    /// How many are wrong in all.
    public var mismatchCount = 0
}

extension Metaxy {
    /// Judges every record of a feature, or of all, and compares with the work and presence bitmaps.
    ///
    /// All as of one moment for each feature; nothing is changed and nobody waits.
    ///
    /// - Throws: `.featureNotFound`, `.unavailable`.
    /// - Complexity: O(records).
    public func verify(_ feature: FeatureKey?) async throws(ServiceError) -> VerifyOutcome {
        let keys = try await read { (scope) throws(ServiceError) in
            if let feature { return [try scope.plan(feature).key] }
            return scope.catalog.graph.order
        }
        var outcome = VerifyOutcome()
        for key in keys {
            let part = try await read { (scope) throws(ServiceError) in
                guard let plan = scope.catalog.units(of: key) else { return VerifyOutcome() }
                var verification = Verification(scope, plan)
                var outcome = try verification.run()
                if let children = try ChildVerification(scope, plan)?.run() {
                    outcome.mismatchCount += children.count
                    outcome.mismatches += children.prefix(Limits.faultsMax)
                }
                return outcome
            }
            outcome.checked += part.checked
            outcome.mismatchCount += part.mismatchCount
            outcome.mismatches += part.mismatches.prefix(Limits.faultsMax - outcome.mismatches.count)
        }
        return outcome
    }
}

/// The verification of one feature in one snapshot.
private struct Verification {
    /// Records judged at a time.
    private static let step = 8_192

    private let scope: Scope
    private let plan: FeaturePlan
    private var outcome = VerifyOutcome()
    private var wrong: [(RecordID, String)] = []

    init(_ scope: Scope, _ plan: FeaturePlan) {
        self.scope = scope
        self.plan = plan
    }

    mutating func run() throws(ServiceError) -> VerifyOutcome {
        do {
            let presence = try Presences(scope.connection).read(plan.id)
            let work = try workBlocks()
            let units = try universe(presence)
            try checkLeases(work)
            try checkCount(presence)
            try checkLinks()
            var start = 0
            while start < units.count {
                let part = Array(units[start..<min(start + Self.step, units.count)])
                try check(part, presence, work)
                start += part.count
            }
            outcome.checked = units.count
            try report()
            return outcome
        } catch {
            throw ServiceError(error)
        }
    }

    /// Every upstream record is linked to the group that its columns say, and nothing else is.
    private mutating func checkLinks() throws(StoreError) {
        for dep in plan.deps {
            guard let grouping = Grouping(scope, plan, dep) else { continue }
            var links = try Links(scope.connection, units: plan.id, records: dep.upstream).all()
            for records in try Heads(scope.connection, feature: dep.upstream).all().chunked(Self.step) {
                let keys = try grouping.keys(of: records)
                let found = try RecordIDs(scope.connection, space: plan.space).find(
                    records.map { keys[$0]?.encoded ?? [] })
                for (record, unit) in zip(records, found) where links.removeValue(forKey: record) != unit {
                    wrong.append((unit ?? -1, "record \(record) of \(dep.spec.feature) is linked to another group"))
                }
            }
            for (record, unit) in links {
                wrong.append((unit, "record \(record) of \(dep.spec.feature) is linked, but has no version"))
            }
        }
    }

    private func workBlocks() throws(StoreError) -> [BlockAddress: WorkBlock] {
        let active = try scope.blocks.active(plan.id, from: 0, limit: Int(Int32.max))
        return Dictionary(active.map { ($0.address, $0.block) }) { first, _ in first }
    }

    /// Every record that has a head, is said to exist, is a candidate, or could be expected.
    private func universe(
        _ presence: [BlockAddress: (live: BlockBits, gone: BlockBits)]
    ) throws(StoreError) -> [RecordID] {
        var units = Set(try Heads(scope.connection, feature: plan.id).all())
        for (address, bits) in presence { units.formUnion((bits.live | bits.gone).offsets.map(address.record(at:))) }
        let mapper = UnitMapper(connection: scope.connection, catalog: scope.catalog)
        for dep in plan.deps {
            let upstream = try Heads(scope.connection, feature: dep.upstream).all()
            units.formUnion(try mapper.known(upstream, plan, dep: dep))
        }
        return units.sorted()
    }

    private mutating func check(
        _ units: [RecordID], _ presence: [BlockAddress: (live: BlockBits, gone: BlockBits)],
        _ work: [BlockAddress: WorkBlock]
    ) throws(StoreError) {
        let heads = try Heads(scope.connection, feature: plan.id).read(units)
        for unit in units {
            let address = BlockAddress(feature: plan.id, record: unit)
            let head = heads[unit]
            let isLive = presence[address]?.live.contains(unit.offsetInBlock) ?? false
            let isGone = presence[address]?.gone.contains(unit.offsetInBlock) ?? false
            if isLive != (head?.isLive == true) || isGone != (head?.isLive == false) {
                wrong.append((unit, "the presence bitmap disagrees with the head"))
            }
        }
        if plan.isRoot {
            for unit in try scope.evaluator.staleRootFields(plan, units).keys
            where !isCandidate(unit, work) { wrong.append((unit, "stale, but not a candidate")) }
            return
        }
        var evaluator = scope.evaluator
        let failures = try Failures(scope.connection, feature: plan.id).read(units)
        for (unit, judged) in try evaluator.judge(plan, units) {
            guard let kind = judged.kind ?? (judged.earlier == nil ? nil : .stale) else { continue }
            if !isCandidate(unit, work) {
                wrong.append((unit, "\(kind.rawValue), but not a candidate"))
            } else if judged.earlier == nil, kind == .new || kind == .stale, isParked(unit, work), failures[unit] == nil
            {
                wrong.append((unit, "\(kind.rawValue), but parked although nothing blocks it"))
            }
        }
    }

    private func isCandidate(_ unit: RecordID, _ work: [BlockAddress: WorkBlock]) -> Bool {
        work[BlockAddress(feature: plan.id, record: unit)]?.candidates.contains(unit.offsetInBlock) ?? false
    }

    private func isParked(_ unit: RecordID, _ work: [BlockAddress: WorkBlock]) -> Bool {
        work[BlockAddress(feature: plan.id, record: unit)]?.parked.contains(unit.offsetInBlock) ?? false
    }

    /// The kept count is what the bitmaps hold.
    private mutating func checkCount(
        _ presence: [BlockAddress: (live: BlockBits, gone: BlockBits)]
    ) throws(StoreError) {
        let live = presence.values.reduce(0) { $0 + $1.live.popcount }
        let count = try Presences(scope.connection).count(of: plan.id)
        if count != live { wrong.append((-1, "\(live) records are live, but \(count) are counted")) }
    }

    /// The leased bits are exactly what the active claims hold.
    private mutating func checkLeases(_ work: [BlockAddress: WorkBlock]) throws(StoreError) {
        var held: Set<RecordID> = []
        let claims = Claims(scope.connection)
        for claim in try claims.active(feature: plan.id, worker: nil, after: 0, limit: Int(Int32.max)) {
            let units = try claims.batch(claim.id)
            for position in units.indices where !claim.finished[position] {
                if !held.insert(units[position].record).inserted {
                    wrong.append((units[position].record, "held by two claims"))
                }
            }
        }
        let leased = Set(work.flatMap { entry in entry.value.leased.offsets.map(entry.key.record(at:)) })
        for unit in leased.symmetricDifference(held) {
            wrong.append((unit, leased.contains(unit) ? "leased, but no claim holds it" : "claimed, but not leased"))
        }
    }

    private mutating func report() throws(StoreError) {
        outcome.mismatchCount = wrong.count
        let shown = wrong.sorted { $0.0 < $1.0 }.prefix(Limits.faultsMax)
        guard !shown.isEmpty else { return }
        let keys = try RecordIDs(scope.connection, space: plan.space)
            .keys(of: Array(Set(shown.map(\.0).filter { $0 >= 0 })))
        outcome.mismatches = shown.map { unit, detail in
            VerifyMismatch(feature: plan.key, columns: plan.spec.idColumns, key: keys[unit], detail: detail)
        }
    }
}
