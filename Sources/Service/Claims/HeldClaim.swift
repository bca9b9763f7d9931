// A claim that its worker holds: locked, with its fencing token checked.

import Feature
import Postgres
import Store

/// A claim that its worker still holds, locked, with the units that were handed out with it.
struct HeldClaim {
    let claim: StoredClaim
    let plan: FeaturePlan
    let units: ClaimUnits
    /// The encoded keys of the units; nil where this process does not remember them.
    private let keys: ByteColumn?

    /// Locks a claim and checks its fencing token. Every report of a worker passes this check.
    ///
    /// - Parameters:
    ///   - id: the claim.
    ///   - token: the fencing token that the worker sends.
    ///   - allowsFinished: whether a claim of which every unit was reported counts as held, so that a repeated report gets
    ///     the same answer.
    /// - Throws: `.claimNotFound`; `.leaseLost`; `.unavailable`.
    /// - Complexity: one round trip; one more where this process does not remember the units.
    init(
        _ id: Int64, token: Int64, allowsFinished: Bool = false, _ transaction: ServiceTransaction,
        _ memory: ClaimMemory
    ) throws(ServiceError) {
        let connection = transaction.connection
        let locked = try stored { () throws(StoreError) in try ClaimTable(connection).lock(id) }
        guard let claim = locked, transaction.visible.sees(claim.feature) else { throw .claimNotFound(id) }
        guard claim.token == token else {
            throw .leaseLost("the token is not the one that claim \(id) was given")
        }
        guard claim.state == .active || (allowsFinished && claim.state == .finished) else {
            throw .leaseLost(Self.reason(claim))
        }
        guard let plan = transaction.catalog[claim.feature] else {
            throw .leaseLost("the feature of claim \(id) is no longer part of the graph")
        }
        self.claim = claim
        self.plan = plan
        if let known = memory.recall(claim) {
            (units, keys) = (known.units, known.keys)
            return
        }
        do { (units, keys) = (try ClaimTable(connection).batch(id), nil) } catch {
            // The units of a finished claim are forgotten after a while.
            if case .corrupt = error, claim.state == .finished { throw .leaseLost(Self.reason(claim)) }
            throw ServiceError(error)
        }
    }

    /// The positions of units that are neither completed nor failed.
    var remaining: [Int] { units.indices.filter { !claim.finished[$0] } }

    /// The positions of records among the claim's units; nil for a record that is not one of them.
    ///
    /// - Complexity: at most one round trip; O(units). Records in the order in which they were handed out are found at once.
    func positions(
        of records: [RecordKey], _ transaction: ServiceTransaction
    ) throws(ServiceError) -> [Int?] {
        let keys = if let keys { keys } else { try readKeys(transaction) }
        var positions: [ArraySlice<UInt8>: Int] = [:]
        var encoded: [UInt8] = []
        var next = 0
        return records.map { record in
            encoded.removeAll(keepingCapacity: true)
            record.encode(into: &encoded)
            if next < keys.count, keys[next]?.elementsEqual(encoded) == true {
                next += 1
                return next - 1
            }
            if positions.isEmpty {
                for position in 0..<keys.count { positions[keys[position] ?? []] = position }
            }
            let found = positions[encoded[...]]
            if let found { next = found + 1 }
            return found
        }
    }

    private func readKeys(_ transaction: ServiceTransaction) throws(ServiceError) -> ByteColumn {
        try stored { () throws(StoreError) in
            try RecordIDTable(transaction.connection, space: plan.space).encodedKeys(of: units.records)
        }
    }

    /// The fields of the claim's results: the fields of the definition under which the units were handed out.
    ///
    /// - Complexity: one round trip where this process does not know that definition, none otherwise.
    func fieldSlots(_ transaction: ServiceTransaction) throws(ServiceError) -> FieldSlots {
        if claim.definition == plan.definition { return FieldSlots(plan) }
        let found = try stored { () throws(StoreError) in
            try transaction.definitions.definitions([claim.definition], Registry(transaction.connection))
        }
        guard let earlier = found[claim.definition] else {
            throw .internal("definition \(claim.definition) is unknown")
        }
        return FieldSlots(earlier, slots: plan.slots)
    }

    /// The remaining units whose results will not be what the units should be, or will not become current.
    ///
    /// A mark alone does not mean this: a record that joined the unit's group may be one that a filter excludes.
    ///
    /// - Returns: positions, ascending.
    /// - Complexity: one round trip; with marked units also those of `Evaluator.compare`.
    func superseded(_ transaction: ServiceTransaction) throws(ServiceError) -> [Int] {
        let remaining = remaining
        let addresses = Set(remaining.map { BlockAddress(feature: plan.id, record: units.records[$0]) })
        let found = try stored { () throws(StoreError) in try transaction.blocks.peek(addresses) }
        let marked = remaining.filter { position in
            let record = units.records[position]
            return found[BlockAddress(feature: plan.id, record: record)]?.dirty.contains(record.offsetInBlock) == true
        }
        guard !marked.isEmpty else { return [] }
        let slots = try fieldSlots(transaction)
        let judged = try stored { () throws(StoreError) in
            try transaction.evaluator.compare(plan, marked.map { units.records[$0] })
        }
        return marked.filter { position in
            guard let unit = judged[units.records[position]], let expectation = unit.judgement.expectation,
                (unit.head?.entry ?? 0) == units.bases[position]
            else { return true }
            let handedOut = slots.spread(units[position].provenance)
            return zip(plan.fields, expectation.provenance).contains { field, expected in
                expected == nil || handedOut[Int(field.slot) - 1] != expected
            }
        }
    }

    /// Why a claim is not held any more, for people.
    private static func reason(_ claim: StoredClaim) -> String {
        switch claim.state {
        case .active: "claim \(claim.id) is active"
        case .finished: "claim \(claim.id) is finished: every record of it was completed or failed"
        case .released: "claim \(claim.id) was released"
        case .expired: "the lease of claim \(claim.id) ran out, and its records were taken back"
        }
    }
}
