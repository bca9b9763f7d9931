// What is known of a run from the outside: which leases were given, and which results were taken in.

import Feature

/// Somebody saw something that must not be.
struct SimulationError: Error {
    let detail: String
}

/// What the servers answered, whether or not the answer arrived.
struct SimulationRecord {
    /// A claim that was given.
    struct Claim {
        let feature: String
        /// Its units, as they were handed out.
        let units: [String: SimulationRig.Standing]
        /// Units that it still holds.
        var rest: Set<String>
        /// Units that its worker reported as failed.
        var failed: Set<String> = []
        /// When its lease ends, in microseconds of simulated time.
        var end: Int64
        /// Whether it is over before its time: no report under it can be taken in again.
        var isLost = false
    }

    /// A result that was sent.
    struct Result {
        let claim: Int64
        let id: String
        /// Whether a server took it in.
        var isAcknowledged = false
        /// Whether a server refused it, and none had taken it in before.
        var isRefused = false
    }

    private(set) var claims: [Int64: Claim] = [:]
    private(set) var results: [String: Result] = [:]
    private var marks = 0
    private var lastToken: Int64 = 0

    /// A mark that no other result of the run has.
    mutating func mark() -> String {
        marks += 1
        return "n\(marks)"
    }

    /// A claim was given: nobody else may hold one of its units.
    mutating func given(_ id: Int64, token: Int64, at time: Int64, _ claim: Claim) throws {
        guard token > lastToken else { throw SimulationError(detail: "token \(token) came after \(lastToken)") }
        lastToken = token
        for (other, held) in claims where held.feature == claim.feature && !held.isLost {
            let both = held.rest.intersection(claim.rest)
            if both.isEmpty { continue }
            guard held.end <= time else {
                throw SimulationError(detail: "claim \(id) was given \(both.sorted()), which claim \(other) holds")
            }
            claims[other]?.isLost = true
        }
        claims[id] = claim
    }

    /// A lease was extended.
    mutating func extended(_ id: Int64, to end: Int64) throws {
        try taken(id)
        claims[id]?.end = end
    }

    /// A report about units was taken in.
    mutating func reported(_ id: Int64, _ ids: some Sequence<String>) throws {
        try taken(id)
        claims[id]?.rest.subtract(ids)
    }

    /// A report of failure was taken in.
    mutating func failed(_ id: Int64, _ ids: [String]) throws {
        try reported(id, ids)
        claims[id]?.failed.formUnion(ids)
    }

    /// The rest of a claim was given back.
    mutating func released(_ id: Int64) throws {
        try taken(id)
        claims[id]?.rest = []
        claims[id]?.isLost = true
    }

    /// Results were taken in.
    mutating func completed(_ id: Int64, _ marks: [String: String]) throws {
        try reported(id, marks.keys)
        for (unit, mark) in marks {
            results[mark, default: Result(claim: id, id: unit)].isAcknowledged = true
        }
    }

    /// A report was refused as of a lost lease.
    ///
    /// - Parameter time: the end of the transaction at the latest.
    mutating func refused(_ id: Int64, _ call: SimulatedCall, at time: Int64) throws {
        if let claim = claims[id], !claim.isLost, !claim.rest.isEmpty, claim.end > time {
            throw SimulationError(detail: "claim \(id) holds \(claim.rest.sorted()) and was refused")
        }
        // Whoever has finished a claim gets the same answer to whatever but the completion.
        if claims[id]?.rest.isEmpty == false { claims[id]?.isLost = true }
        guard case .complete(let marks) = call else { return }
        for (unit, mark) in marks {
            let known = results[mark, default: Result(claim: id, id: unit)]
            results[mark] = known
            if !known.isAcknowledged { results[mark]?.isRefused = true }
        }
    }

    private func taken(_ id: Int64) throws {
        if claims[id]?.isLost == true { throw SimulationError(detail: "claim \(id) was lost and is taken in again") }
    }
}
