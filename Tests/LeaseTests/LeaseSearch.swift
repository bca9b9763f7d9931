// All states of the small world, breadth first.

/// What a search found.
struct LeaseSearch {
    /// A property that does not hold, with the shortest way there.
    struct Violation {
        let property: LeaseProperty
        let trace: [LeaseStep]
    }

    /// How many states were visited.
    private(set) var visited = 0
    /// How many steps were taken between them.
    private(set) var steps = 0
    private(set) var violation: Violation?

    private let remembered: Int
    private let hasFailures: Bool
    private let mutant: LeaseMutant?
    private var states: [LeaseState] = []
    private var numbers: [LeaseState: Int] = [:]
    private var origins: [(state: Int, step: LeaseStep)?] = []
    /// For each state: from where a step that is a help leads to it.
    private var sources: [[Int]] = []

    /// Visits every state, or all up to the first violation.
    ///
    /// - Parameters:
    ///   - units: how many there are, 1 or 2.
    ///   - remembered: of how many claims reports may still come.
    ///   - hasFailures: whether units may fail.
    init(units: Int, remembered: Int, hasFailures: Bool, mutant: LeaseMutant? = nil) {
        self.remembered = remembered
        self.hasFailures = hasFailures
        self.mutant = mutant
        add(LeaseState(units: Array(repeating: LeaseState.Unit(), count: units)), from: nil)
        while visited < states.count, violation == nil {
            expand(visited)
            visited += 1
        }
        if violation == nil { checkRest() }
    }

    @discardableResult
    private mutating func add(_ state: LeaseState, from origin: (Int, LeaseStep)?) -> Int {
        if let number = numbers[state] { return number }
        numbers[state] = states.count
        states.append(state)
        origins.append(origin.map { (state: $0.0, step: $0.1) })
        sources.append([])
        return states.count - 1
    }

    private mutating func expand(_ number: Int) {
        let state = states[number]
        for step in steps(from: state) {
            var run = LeaseProtocol(state, mutant: mutant)
            run.run(step)
            steps += 1
            if let broken = Self.broken(step, state, run.state, run.effect) {
                violation = Violation(property: broken, trace: trace(number) + [step])
                return
            }
            let next = add(forgetting(run.state).standard(), from: (number, step))
            if step.isHelp && next != number { sources[next].append(number) }
        }
    }

    /// The state without the oldest ended claims of which nobody may report any more. Those that are active count
    /// too: at most one a unit.
    private func forgetting(_ state: LeaseState) -> LeaseState {
        var state = state
        while state.claims.count > remembered, let oldest = state.claims.firstIndex(where: { $0.state != .active }) {
            state.claims.remove(at: oldest)
        }
        return state
    }

    /// Every step that may be taken in a state.
    private func steps(from state: LeaseState) -> [LeaseStep] {
        var steps: [LeaseStep] = state.units.indices.flatMap { [.change(unit: $0), .write(unit: $0)] }
        for (unit, known) in state.units.enumerated() {
            if known.head.entry != 0 { steps.append(.erase(unit: unit)) }
            if known.head.entry != 0 && known.head.told == known.input { steps.append(.rebase(unit: unit)) }
            if known.failed?.isDue == false { steps.append(.due(unit: unit)) }
            if known.isRight && (known.isDirty || known.isLeased || known.isParked) {
                steps.append(.settle(unit: unit))
            }
        }
        for limit in 1...state.units.count { steps.append(.claim(limit: limit)) }
        for (claim, known) in state.claims.enumerated() {
            let parts = known.units.count == 1 ? [[0]] : [[0], [1], [0, 1]]
            for places in parts {
                steps.append(.complete(claim: claim, places: places))
                if hasFailures { steps.append(.fail(claim: claim, places: places)) }
            }
            steps += [.heartbeat(claim: claim), .release(claim: claim), .expire(claim: claim)]
        }
        return steps
    }

    private func trace(_ number: Int) -> [LeaseStep] {
        var trace: [LeaseStep] = []
        var place = number
        while let origin = origins[place] {
            trace.append(origin.step)
            place = origin.state
        }
        return trace.reversed()
    }

    /// From rest backwards: whatever is not reached can never come to rest.
    private mutating func checkRest() {
        var reached = states.map(\.isAtRest)
        var open = reached.indices.filter { reached[$0] }
        while let next = open.popLast() {
            for source in sources[next] where !reached[source] {
                reached[source] = true
                open.append(source)
            }
        }
        if let stuck = reached.firstIndex(of: false) {
            violation = Violation(property: .comesToRest, trace: trace(stuck))
        }
    }
}

// MARK: - The properties

extension LeaseSearch {
    /// The first property that a step breaks.
    private static func broken(
        _ step: LeaseStep, _ before: LeaseState, _ after: LeaseState, _ effect: LeaseProtocol.Effect
    ) -> LeaseProperty? {
        broken(step, before, after, by: effect) ?? broken(after)
            ?? (isTold(step, before, after, by: effect) ? nil : .supersededIsTold)
    }

    private static func broken(
        _ step: LeaseStep, _ before: LeaseState, _ after: LeaseState, by effect: LeaseProtocol.Effect
    ) -> LeaseProperty? {
        if let token = effect.token, before.claims.contains(where: { $0.token >= token }) { return .tokensGrow }
        if effect.isRefused && after != before { return .lostWritesNothing }
        for entry in effect.entries {
            let claim = before.claims[entry.claim]
            if claim.state == .over { return .lostWritesNothing }
            let handed = claim.units[entry.place]
            if handed.isFinished { return .storedOnce }
            if handed.isErased { return .erasedStays }
            if entry.isHead && entry.before != handed.base { return .newerStays }
        }
        switch step {
        case .complete(let claim, let places):
            let erased = places.filter { before.claims[claim].units[$0].isErased }
            let stored = Set(effect.entries.map(\.place) + effect.known + erased)
            return stored.isSuperset(of: effect.acknowledged) ? nil : .acknowledgedIsStored
        case .fail(let claim, _), .release(let claim):
            return before.claims[claim].state != .active && after != before ? .lostWritesNothing : nil
        default: return nil
        }
    }

    /// Whether a report under a claim was answered with the units that are superseded; of units that were finished before
    /// nothing is asked: they may be dirty or handed out again since.
    private static func isTold(
        _ step: LeaseStep, _ before: LeaseState, _ after: LeaseState, by effect: LeaseProtocol.Effect
    ) -> Bool {
        let (reported, places): (Int, [Int]?)
        switch step {
        case .complete(let claim, let completed): (reported, places) = (claim, completed)
        case .heartbeat(let claim): (reported, places) = (claim, nil)
        default: return true
        }
        let claim = before.claims[reported]
        guard claim.state == .active, !effect.isRefused else { return true }
        return (places ?? Array(claim.units.indices)).filter { !claim.units[$0].isFinished }.allSatisfy { place in
            let handed = claim.units[place]
            let unit = Int(handed.unit)
            let isSuperseded = places == nil ? before.units[unit].hasLeft(handed) : !after.units[unit].isRight
            return effect.superseded.contains(place) == isSuperseded
        }
    }

    private static func broken(_ state: LeaseState) -> LeaseProperty? {
        var holders = [Int](repeating: 0, count: state.units.count)
        for claim in state.claims where claim.state == .active {
            for handed in claim.units where !handed.isFinished { holders[Int(handed.unit)] += 1 }
        }
        for (unit, count) in zip(state.units, holders) {
            if count > 1 { return .leasedOnce }
            if unit.isLeased != (count == 1) { return .leasedIsHeld }
            if unit.isParked && (unit.isDirty || unit.isLeased) { return .parkedAlone }
            if unit.isParked && unit.failed == nil { return .parkedHasReason }
            if unit.head.told != unit.head.made { return .toldAsMade }
            if !unit.isDirty && !unit.isLeased && !unit.isParked && !unit.isRight { return .restIsRight }
        }
        return nil
    }
}
