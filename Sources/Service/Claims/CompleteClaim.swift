// Takes in the results of a claim.

import Feature
import Postgres
public import Store

/// What completing a part of a claim answers.
public struct CompletionOutcome: Hashable, Sendable {
    /// Records whose results are stored, now or by the same report before.
    public let completed: Int
    /// Of these, records that are not what they should be: what they are made from, or by, moved while they were computed. They stay
    /// stale and are handed out again.
    public let superseded: Int
    /// Units that the claim still holds.
    public let remaining: Int
}

extension ClaimService {
    /// Stores results of a claim: lineage, heads, downstream work and the claim itself, all or nothing.
    ///
    /// Reporting the same records again answers the same and writes nothing.
    ///
    /// - Parameters:
    ///   - rows: results, any part of the claim's units.
    ///   - seconds: how long it took to compute those that had no result yet; nil where the worker does not say.
    /// - Throws: `.claimNotFound`, `.leaseLost`, `.invalid` for unknown or repeated ids, `.unavailable`.
    /// - Complexity: about fifteen round trips; O(rows). Units that were marked meanwhile are judged, before and after.
    public func complete(
        claim id: Int64, token: Int64, rows: [RecordRow], seconds: Double? = nil, writer: Writer
    ) async throws(ServiceError) -> CompletionOutcome {
        try await transactions.change { (transaction) throws(ServiceError) in
            let held = try transaction.holdForReport(id, token: token)
            guard held.plan.children == nil else {
                throw .invalid([
                    Fault(.pointer("/records"), "\(held.plan.key) is an expansion: report units with their records")
                ])
            }
            return try transaction.complete(held, rows, children: nil, seconds: seconds, writer)
        }
    }
}

extension ServiceTransaction {
    /// Like `hold`, but a claim that its worker has finished still answers a repeated report.
    mutating func holdForReport(_ id: Int64, token: Int64) throws(ServiceError) -> HeldClaim {
        let connection = connection
        let locked = try stored { () throws(StoreError) in try ClaimTable(connection).lock(id) }
        guard let claim = locked, claim.state == .finished, claim.token == token, sees(claim.feature),
            let plan = catalog[claim.feature]
        else { return try hold(id, token: token) }
        do {
            return try held(claim, plan)
        } catch .corrupt {
            throw .leaseLost(Self.reason(claim))
        } catch {
            throw ServiceError(error)
        }
    }

    /// Finds the positions of rows in a claim's batch.
    ///
    /// - Complexity: a round trip at most; O(units). Rows in the order in which they were handed out are found at once.
    func positions(_ rows: [RecordKey], in held: HeldClaim) throws(ServiceError) -> [Int?] {
        let keys = if let known = held.keys { known } else { try readKeys(held) }
        var places: [ArraySlice<UInt8>: Int] = [:]
        var encoded: [UInt8] = []
        var next = 0
        return rows.map { row in
            encoded.removeAll(keepingCapacity: true)
            row.encode(into: &encoded)
            if next < keys.count, keys[next]?.elementsEqual(encoded) == true {
                next += 1
                return next - 1
            }
            if places.isEmpty {
                for position in 0..<keys.count { places[keys[position] ?? []] = position }
            }
            let found = places[encoded[...]]
            if let found { next = found + 1 }
            return found
        }
    }

    private func readKeys(_ held: HeldClaim) throws(ServiceError) -> ByteColumn {
        try stored { () throws(StoreError) in
            try RecordIDTable(connection, space: held.plan.space).encodedKeys(of: held.units.records)
        }
    }

    /// Stores results.
    ///
    /// - Parameter children: for an expansion, the records that each row's unit expands into.
    mutating func complete(
        _ held: HeldClaim, _ rows: [RecordRow], children: [[RecordRow]]?, seconds: Double?, _ writer: Writer
    ) throws(ServiceError) -> CompletionOutcome {
        let slots = try fieldSlots(held)
        let positions = try check(rows, held, slots)
        let plan = held.plan
        let records = positions.map { held.units.records[$0] }
        try lock(records, of: plan.id)
        let open = positions.indices.filter { !held.claim.finished[positions[$0]] }
        let unneeded = try markedInVain(open.map { records[$0] }, plan)
        if !open.isEmpty {
            let results = open.map { index in
                ClaimResult(row: rows[index], position: positions[index], children: children?[index])
            }
            try store(results, unneeded: Set(unneeded.keys), held, slots, writer)
        }
        var finished = held.claim.finished
        for index in open { finished[positions[index]] = true }
        let remaining = held.units.count - finished.popcount
        let finishedNow = finished
        let connection = connection
        if !open.isEmpty {
            try stored { () throws(StoreError) in
                try FailureTable(connection, feature: plan.id).clear(records)
                try ClaimTable(connection).update(
                    held.claim.id, finished: finishedNow, state: remaining == 0 ? .finished : .active,
                    time: seconds.map { (units: open.count, seconds: $0) })
            }
            if remaining == 0 {
                try leavePlace(plan.id)
                claimMemory.forget(held.claim.id)
            }
        }
        ledger.update(open.map { records[$0] }, of: plan.id) { $0.finish($1) }
        tally.add(.computed, open.count, of: plan.id)
        let right = try markedInVain(open.map { records[$0] }, plan).filter { $0.value.earlier == nil }
        ledger.update(right.keys, of: plan.id) { $0.markUpToDate($1) }
        let superseded = records.filter { record in
            ledger[BlockAddress(feature: plan.id, record: record)].dirty.contains(record.offsetInBlock)
        }
        return CompletionOutcome(completed: rows.count, superseded: superseded.count, remaining: remaining)
    }

    /// Of units whose results come in, or have: those that were marked meanwhile and are as they should be.
    private func markedInVain(_ units: [RecordID], _ plan: FeaturePlan) throws(ServiceError) -> [RecordID: JudgedUnit] {
        let marked = units.filter { unit in
            ledger[BlockAddress(feature: plan.id, record: unit)].dirty.contains(unit.offsetInBlock)
        }
        guard !marked.isEmpty, !plan.isRoot else { return [:] }
        return try stored { () throws(StoreError) in try evaluator.compare(plan, marked) }
            .filter { $0.value.state == .upToDate || $0.value.state == .suppressed }
    }

    /// The fields that the results of a claim have: those of the definition that it was handed out under.
    func fieldSlots(_ held: HeldClaim) throws(ServiceError) -> FieldSlots {
        if held.claim.definition == held.plan.definition { return FieldSlots(held.plan) }
        let definition = held.claim.definition
        let found = try stored { () throws(StoreError) in
            try definitions.definitions([definition], Registry(connection))
        }
        guard let earlier = found[definition] else { throw .internal("definition \(definition) is unknown") }
        return FieldSlots(earlier, slots: held.plan.slots)
    }

    private func check(
        _ rows: [RecordRow], _ held: HeldClaim, _ slots: FieldSlots
    ) throws(ServiceError) -> [Int] {
        var faults: [Fault] = []
        for row in rows { faults += slots.faults(row, isProvenanceComplete: false) }
        let found = try positions(rows.map(\.key), in: held)
        var positions: [Int] = []
        var seen = [Int](repeating: -1, count: held.units.count)
        for (index, (row, position)) in zip(rows, found).enumerated() {
            if let position, seen[position] >= 0 {
                faults.append(Fault(row.place, "the same record as at \(rows[seen[position]].place.text)"))
            } else if let position {
                seen[position] = index
                positions.append(position)
            } else {
                faults.append(Fault(row.place, "claim \(held.claim.id) does not hold this record"))
            }
        }
        if faults.isEmpty { faults = failedFaults(rows, positions, held) }
        guard faults.isEmpty else { throw .invalid(faults) }
        return positions
    }

    /// A unit that its worker has reported as failed is no longer the worker's to complete.
    private func failedFaults(_ rows: [RecordRow], _ positions: [Int], _ held: HeldClaim) -> [Fault] {
        guard let failed = held.claim.failed else { return [] }
        return zip(rows, positions).filter { failed[$1] }.map { row, _ in
            Fault(row.place, "this record was reported as failed under claim \(held.claim.id)")
        }
    }
}
