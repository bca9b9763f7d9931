// Who waits for work, in the order in which they came.

import Feature

/// Which of a feature's units somebody takes: where one found nothing, another with the same conditions finds nothing.
struct ClaimConditions: Hashable, Sendable {
    var kinds: Set<UnitState> = []
    var filters: [Filter] = []
    var allowsUnsettledInputs = false
    /// The tags of the worker: a feature may require some.
    var tags: [String: String] = [:]
}

/// What somebody waits for.
struct ClaimDemand: Sendable {
    let features: Set<FeatureID>
    /// How many units it takes at most.
    let limit: Int
    let conditions: ClaimConditions
}

/// The turn to look for work of a feature. Whoever has it hands it on where something may be left.
struct Turn: Hashable, Sendable {
    let feature: FeatureID
    /// Tastes that found nothing to their liking since the work turned up.
    var fruitless: Set<ClaimConditions> = []
}

/// Those who wait, by number; a lower number came earlier.
///
/// A line of a feature is an array: thousands of numbers are moved faster than a tree of them is walked.
struct WaitLine {
    private var demands: [UInt64: ClaimDemand] = [:]
    private var lines: [FeatureID: [UInt64]] = [:]

    /// How many wait.
    var count: Int { demands.count }

    /// The numbers of all who wait.
    var numbers: [UInt64] { demands.keys.sorted() }

    /// The features for which someone waits.
    var features: Set<FeatureID> { Set(lines.keys) }

    /// Puts somebody in line, before all with a greater number.
    ///
    /// - Complexity: O(log n), and moving the numbers behind it.
    mutating func add(_ number: UInt64, _ demand: ClaimDemand) {
        precondition(demands[number] == nil, "\(number) waits already")
        demands[number] = demand
        for feature in demand.features {
            let place = place(of: number, feature)
            lines[feature, default: []].insert(number, at: place)
        }
    }

    /// Lets somebody go who may be waiting.
    mutating func remove(_ number: UInt64) {
        guard let demand = demands.removeValue(forKey: number) else { return }
        for feature in demand.features {
            let place = place(of: number, feature)
            lines[feature]?.remove(at: place)
            if lines[feature]?.isEmpty == true { lines[feature] = nil }
        }
    }

    /// Takes out the first who can have some of the work: one for each block, until their limits cover the units.
    mutating func take(_ work: ReadyWork, of feature: FeatureID) -> [UInt64] {
        var taken: [UInt64] = []
        var units = work.units
        for number in lines[feature] ?? [] {
            guard taken.count < work.blocks, units > 0, let demand = demands[number] else { break }
            taken.append(number)
            units -= demand.limit
        }
        for number in taken { remove(number) }
        return taken
    }

    /// Takes out the first whose conditions has not been tried.
    ///
    /// - Complexity: O(waiting for the feature).
    mutating func take(_ turn: Turn) -> UInt64? {
        let first = lines[turn.feature]?.first { number in
            demands[number].map { !turn.fruitless.contains($0.conditions) } == true
        }
        if let first { remove(first) }
        return first
    }

    /// Where a number is in a feature's line, or would be.
    private func place(of number: UInt64, _ feature: FeatureID) -> Int {
        let line = lines[feature] ?? []
        var (low, high) = (0, line.count)
        while low < high {
            let middle = (low + high) / 2
            if line[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
