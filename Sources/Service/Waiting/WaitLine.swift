// The line of tasks that wait for work, first come first served.

import Feature

/// The conditions on units that a task takes. Where one task found nothing, another with the same conditions finds nothing.
struct ClaimConditions: Hashable, Sendable {
    var kinds: Set<UnitState> = []
    var filters: [Filter] = []
    var allowsUnsettledInputs = false
    /// The tags of the worker. A feature may require tags.
    var tags: [String: String] = [:]
}

/// The demand of a waiting task.
struct ClaimDemand: Sendable {
    let features: Set<FeatureID>
    /// The greatest number of units that the task takes.
    let limit: Int
    let conditions: ClaimConditions
}

/// The turn to look for work of a feature. A task with the turn hands it on where units may be left.
struct Turn: Hashable, Sendable {
    let feature: FeatureID
    /// Conditions under which nothing was found since the work became ready.
    var fruitless: Set<ClaimConditions> = []
}

/// The waiting tasks by number. A task with a lower number came earlier.
///
/// The line of a feature is an array, because moving thousands of numbers is faster than walking a tree of them.
struct WaitLine {
    private var demands: [UInt64: ClaimDemand] = [:]
    private var lines: [FeatureID: [UInt64]] = [:]

    /// How many tasks wait.
    var count: Int { demands.count }

    /// The numbers of all waiting tasks.
    var numbers: [UInt64] { demands.keys.sorted() }

    /// The features for which a task waits.
    var features: Set<FeatureID> { Set(lines.keys) }

    /// Adds a task to the line, before all with a greater number.
    ///
    /// - Complexity: O(log n), and moving the numbers behind it.
    mutating func add(_ number: UInt64, _ demand: ClaimDemand) {
        precondition(demands[number] == nil, "\(number) waits already")
        demands[number] = demand
        for feature in demand.features {
            let index = index(of: number, feature)
            lines[feature, default: []].insert(number, at: index)
        }
    }

    /// Removes a task where it waits.
    mutating func remove(_ number: UInt64) {
        guard let demand = demands.removeValue(forKey: number) else { return }
        for feature in demand.features {
            let index = index(of: number, feature)
            lines[feature]?.remove(at: index)
            if lines[feature]?.isEmpty == true { lines[feature] = nil }
        }
    }

    /// Removes the first tasks that can have some of the work: one for each block, until their limits cover the units.
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

    /// Removes the first task whose conditions have not been tried.
    ///
    /// - Complexity: O(waiting for the feature).
    mutating func take(_ turn: Turn) -> UInt64? {
        let first = lines[turn.feature]?.first { number in
            demands[number].map { !turn.fruitless.contains($0.conditions) } == true
        }
        if let first { remove(first) }
        return first
    }

    /// The index of a number in a feature's line, or the index where it would be inserted.
    private func index(of number: UInt64, _ feature: FeatureID) -> Int {
        let line = lines[feature] ?? []
        var (low, high) = (0, line.count)
        while low < high {
            let middle = (low + high) / 2
            if line[middle] < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
