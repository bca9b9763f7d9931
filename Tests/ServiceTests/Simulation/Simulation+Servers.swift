// What a simulated server does with a request: the service's own work, on the database.

import Feature
import Service
import Store

extension Simulation {
    /// Has a server do what is asked, and notes it.
    mutating func execute(_ request: SimulatedRequest, _ server: Metaxy) async throws -> SimulatedAnswer {
        try await rig.advance(to: now)
        do {
            switch request.call {
            case .claim(let feature, let limit): return try await claim(feature, limit, server)
            case .heartbeat:
                let outcome = try await server.claims.heartbeat(
                    claim: request.claim, token: request.token, leaseSeconds: nil)
                try record.extended(request.claim, to: rig.simulated(outcome.leaseUntil))
            case .complete(let marks):
                note("claim \(request.claim) completes \(marks.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })")
                _ = try await server.claims.complete(
                    claim: request.claim, token: request.token, rows: rig.rows(marks), writer: Writer())
                try record.completed(request.claim, marks)
            case .fail(let ids):
                note("claim \(request.claim) fails \(ids.sorted())")
                let records = ids.map { (place: Fault.Place.pointer(""), key: RecordKey([.string($0)])) }
                _ = try await server.claims.fail(
                    claim: request.claim, token: request.token,
                    report: FailureReport(records: records, error: "boom", isRetryable: random.chance(80)))
                try record.failed(request.claim, ids)
            case .release:
                note("claim \(request.claim) is released")
                _ = try await server.claims.release(claim: request.claim, token: request.token)
                try record.released(request.claim)
            }
            return .done
        } catch ServiceError.leaseLost {
            note("claim \(request.claim) is lost")
            let time = try await rig.time()
            try record.refused(request.claim, request.call, at: time)
            return .lost
        } catch ServiceError.invalid(let faults) {
            switch request.call {
            // A failure that was reported before, sent again: the claim does not hold the units any more.
            case .fail: return .done
            case .complete(let marks) where record.claims[request.claim]?.failed.isDisjoint(with: marks.keys) == false:
                return .nothing
            default: throw SimulationError(detail: "refused: \(faults)")
            }
        }
    }

    private mutating func claim(_ feature: String, _ limit: Int, _ server: Metaxy) async throws -> SimulatedAnswer {
        guard let key = FeatureKey(feature) else { throw SimulationError(detail: "\(feature) is no key") }
        let batch = try await server.claims.claim(
            ClaimRequest(features: [key], worker: "w", limit: limit, leaseSeconds: Self.leaseSeconds))
        guard let batch else { return .nothing }
        let units = batch.records.map { rig.world.text($0.key) }
        note("claim \(batch.claim.id) of \(feature): \(units)")
        let standings = try await rig.standings(of: feature, batch.records.records)
        let known = SimulationRecord.Claim(
            feature: feature, units: Dictionary(uniqueKeysWithValues: zip(units, standings)), rest: Set(units),
            end: rig.simulated(batch.claim.leaseUntil))
        try record.given(batch.claim.id, token: batch.claim.token, at: rig.simulated(batch.claim.claimedAt), known)
        return .batch(claim: batch.claim.id, token: batch.claim.token, feature: feature, ids: units)
    }

    /// Does all that is left to do, without faults: every lease is over, and everything may be tried again.
    mutating func workOff() async throws {
        note("no more faults")
        let server = rig.server()
        now += 3 * 3_600_000
        try await rig.advance(to: now)
        try await server.claims.expire()
        for feature in Self.features {
            guard let key = FeatureKey(feature) else { continue }
            _ = try await server.failures.retry(key, filters: [])
            for _ in 0..<10 * ids.count {
                guard case .batch(let claim, let token, _, let ids) = try await claim(feature, 10, server) else {
                    break
                }
                var marks: [String: String] = [:]
                for id in ids { marks[id] = record.mark() }
                let request = SimulatedRequest(
                    worker: 0, life: 0, number: 0, claim: claim, token: token, call: .complete(marks))
                guard case .done = try await execute(request, server) else {
                    throw SimulationError(detail: "claim \(claim) was lost without a fault")
                }
            }
        }
    }

    /// Holds what is stored against what was answered.
    func check() async throws {
        for feature in Self.features {
            let left = try await rig.world.resolve(feature)
            guard left.isEmpty else { throw SimulationError(detail: "\(feature) is left with \(left)") }
        }
        let entries = try await rig.takeEntries()
        var stored: Set<String> = []
        var latest: [String: Int64] = [:]
        for entry in entries {
            let place = "\(entry.feature) \(entry.record)"
            if entry.kind == .computed || entry.kind == .late, let mark = entry.mark {
                guard stored.insert(mark).inserted else {
                    throw SimulationError(detail: "\(mark) is in the lineage twice")
                }
                try check(entry, mark, latest: latest[place] ?? 0)
            }
            if entry.kind != .late { latest[place] = entry.number }
        }
        let lost = Set(record.results.filter(\.value.isAcknowledged).keys).subtracting(stored)
        guard lost.isEmpty else { throw SimulationError(detail: "\(lost.sorted()) were taken in and are lost") }
    }

    /// Holds a result in the lineage against what was handed out for it.
    ///
    /// - Parameter latest: the version of its record that was current before it.
    private func check(_ entry: SimulationRig.Entry, _ mark: String, latest: Int64) throws {
        guard let result = record.results[mark], !result.isRefused else {
            throw SimulationError(detail: "\(mark) is in the lineage, and nobody took it in")
        }
        guard let handedOut = record.claims[result.claim]?.units[result.id] else {
            throw SimulationError(detail: "\(mark) was never handed out")
        }
        guard entry.input == handedOut.input else {
            throw SimulationError(
                detail: "\(mark) was made from \(handedOut.input), the lineage says from \(entry.input)")
        }
        guard entry.kind == .late || handedOut.base == latest else {
            throw SimulationError(detail: "\(mark) replaced what came after it was handed out")
        }
    }
}
