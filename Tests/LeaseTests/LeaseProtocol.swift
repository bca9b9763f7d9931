// The transactions of the lease protocol over the small world, in the order of the service's own steps.

import Feature

/// Runs steps on a state. Bits change only in the ledger of work blocks that the service uses.
struct LeaseProtocol {
    /// An entry that a transaction appended.
    struct Entry {
        let claim: Int, place: Int
        /// Whether it became the latest version.
        let isHead: Bool
        /// The unit's latest entry before.
        let before: UInt8
    }

    /// What a transaction did besides changing the state.
    struct Effect {
        var isRefused = false
        var entries: [Entry] = []
        /// Positions of the batch that the answer calls completed.
        var acknowledged: [Int] = []
        /// Of these, those that were stored before the transaction.
        var known: [Int] = []
        /// Positions that the answer calls superseded.
        var superseded: [Int] = []
        var token: UInt8?
    }

    private static let address = BlockAddress(feature: 1, block: 0)

    let mutant: LeaseMutant?
    private(set) var state: LeaseState
    private(set) var effect = Effect()
    private var ledger = WorkLedger()

    /// `state`, to be changed by one step.
    init(_ state: LeaseState, mutant: LeaseMutant?) {
        self.state = state
        self.mutant = mutant
    }

    /// Runs one step as one transaction.
    mutating func run(_ step: LeaseStep) {
        load()
        switch step {
        case .change(let unit):
            state.units[unit].input ^= 1
            ledger.update(Self.address) { $0.mark(BlockBits([unit])) }
        case .write(let unit): write(unit)
        case .erase(let unit): erase(unit)
        case .rebase(let unit): rebase(unit)
        case .claim(let limit): claim(limit)
        case .complete(let claim, let places): complete(claim, places)
        case .fail(let claim, let places): fail(claim, places)
        case .heartbeat(let claim): heartbeat(claim)
        case .release(let claim): giveBack(claim, isExpiry: false)
        case .expire(let claim): expire(claim)
        case .due(let unit):
            state.units[unit].failed?.isDue = true
            if mutant != .failureIsForever { ledger.update(Self.address) { $0.unpark(BlockBits([unit])) } }
        case .settle(let unit): ledger.update(Self.address) { $0.markUpToDate(BlockBits([unit])) }
        }
        store()
    }

    private mutating func load() {
        func bits(_ isSet: (LeaseState.Unit) -> Bool) -> BlockBits {
            BlockBits(state.units.indices.filter { isSet(state.units[$0]) })
        }
        let block = WorkBlock(
            dirty: bits(\.isDirty), leased: bits(\.isLeased), parked: bits(\.isParked), awaited: BlockBits())
        ledger.load(Self.address, block)
    }

    private mutating func store() {
        guard let block = ledger.changes.first?.block else { return }
        for unit in state.units.indices {
            state.units[unit].isDirty = block.dirty.contains(unit)
            state.units[unit].isLeased = block.leased.contains(unit)
            state.units[unit].isParked = block.parked.contains(unit)
        }
    }

    private mutating func append(_ unit: Int, told: UInt8, made: UInt8) {
        let known = state.units.map(\.head.entry) + state.claims.flatMap { $0.units.map(\.base) }
        state.units[unit].head = LeaseState.Version(entry: (known.max() ?? 0) + 1, told: told, made: made)
    }

    private mutating func write(_ unit: Int) {
        append(unit, told: state.units[unit].input, made: state.units[unit].input)
        ledger.update(Self.address) { $0.markUpToDate(BlockBits([unit])) }
    }
}

// MARK: - Rewrites

extension LeaseProtocol {
    private mutating func erase(_ unit: Int) {
        write(unit)
        forgetFailure(unit)
        ledger.update(Self.address) { $0.mark(BlockBits([unit])) }
        state.units[unit].erased = state.units[unit].head.entry
        for claim in state.claims.indices where state.claims[claim].state == .active {
            for place in state.claims[claim].units.indices where state.claims[claim].units[place].unit == unit {
                if !state.claims[claim].units[place].isFinished { state.claims[claim].units[place].isErased = true }
            }
        }
    }

    private mutating func rebase(_ unit: Int) {
        write(unit)
        forgetFailure(unit)
    }

    /// A unit that is parked for its failure becomes a candidate.
    private mutating func forgetFailure(_ unit: Int) {
        state.units[unit].failed = nil
        ledger.update(Self.address) { $0.unpark(BlockBits([unit])) }
    }
}

// MARK: - The life of a claim

extension LeaseProtocol {
    private mutating func claim(_ limit: Int) {
        var chosen: [LeaseState.Handed] = []
        for unit in ledger[Self.address].ready.offsets {
            let known = state.units[unit]
            if known.isRight {
                ledger.update(Self.address) { $0.markUpToDate(BlockBits([unit])) }
            } else if let failed = known.failed, failed.input == known.input, !failed.isDue {
                ledger.update(Self.address) { $0.park(BlockBits([unit])) }
            } else if chosen.count < limit {
                chosen.append(LeaseState.Handed(unit: UInt8(unit), base: known.head.entry, input: known.input))
            }
        }
        guard !chosen.isEmpty else { return }
        let bits = BlockBits(chosen.map { Int($0.unit) })
        ledger.update(Self.address) { mutant == .leaseWithoutBit ? $0.markUpToDate(bits) : $0.lease(bits) }
        let greatest = state.claims.last?.token ?? 0
        let token = mutant == .reusesToken ? max(greatest, 1) : greatest + 1
        effect.token = token
        state.claims.append(LeaseState.Claim(token: token, units: chosen))
    }

    /// Whether a report under a claim is taken in.
    private mutating func isHeld(_ claim: Int, isRepeatable: Bool = false) -> Bool {
        let known = state.claims[claim].state
        let isHeld = known == .active || isRepeatable && known == .finished || mutant == .acceptsAnyToken
        effect.isRefused = !isHeld
        return isHeld
    }

    private mutating func complete(_ claim: Int, _ places: [Int]) {
        guard isHeld(claim, isRepeatable: true) else { return }
        let handed = state.claims[claim].units
        guard !places.contains(where: { handed[$0].isFailed }) else {
            effect.isRefused = true
            return
        }
        let open = places.filter { !handed[$0].isFinished || mutant == .storesAgain }
        let unneeded = marked(open.map { Int(handed[$0].unit) }).filter { state.units[$0].isRight }
        effect.known = places.filter { handed[$0].isFinished }
        for place in open { store(handed[place], claim, place, isUnneeded: unneeded.contains(Int(handed[place].unit))) }
        for place in open {
            state.claims[claim].units[place].isFinished = true
            forgetFailure(Int(handed[place].unit))
        }
        if mutant == .repeatedReportForgets, !open.isEmpty {
            for place in places { state.units[Int(handed[place].unit)].failed = nil }
        }
        endIfFinished(claim)
        let bits = BlockBits(open.map { Int(handed[$0].unit) })
        ledger.update(Self.address) { $0.finish(bits) }
        if mutant == .completionClearsDirty { ledger.update(Self.address) { $0.markUpToDate(bits) } }
        let isRight = mutant == .completionTellsMarked ? unneeded.contains : { [state] in state.units[$0].isRight }
        let right = marked(bits.offsets).filter(isRight)
        ledger.update(Self.address) { $0.markUpToDate(BlockBits(right)) }
        effect.acknowledged = places
        effect.superseded = places.filter { ledger[Self.address].dirty.contains(Int(handed[$0].unit)) }
    }

    private func marked(_ units: some Sequence<Int>) -> [Int] {
        units.filter { ledger[Self.address].dirty.contains($0) }
    }

    private mutating func store(_ handed: LeaseState.Handed, _ claim: Int, _ place: Int, isUnneeded: Bool) {
        let unit = Int(handed.unit)
        let before = state.units[unit].head.entry
        var isOvertaken = before != handed.base || isUnneeded
        if mutant == .lateBecomesHead { isOvertaken = false }
        if isOvertaken && mutant == .acknowledgesUnstored { return }
        if handed.base < state.units[unit].erased && mutant != .storesErased { return }
        effect.entries.append(Entry(claim: claim, place: place, isHead: !isOvertaken, before: before))
        guard !isOvertaken else { return }
        let told = mutant == .toldByPresent ? state.units[unit].input : handed.input
        append(unit, told: told, made: handed.input)
    }

    private mutating func fail(_ claim: Int, _ places: [Int]) {
        guard isHeld(claim) else { return }
        let handed = state.claims[claim].units
        guard places.allSatisfy({ !handed[$0].isFinished }) else {
            effect.isRefused = true
            return
        }
        for place in places {
            state.units[Int(handed[place].unit)].failed = LeaseState.Failed(input: handed[place].input)
            state.claims[claim].units[place].isFinished = true
            state.claims[claim].units[place].isFailed = true
        }
        endIfFinished(claim)
        let bits = BlockBits(places.map { Int(handed[$0].unit) })
        ledger.update(Self.address) { block in
            block.finish(bits)
            block.park(bits - block.dirty)
        }
    }

    private mutating func endIfFinished(_ claim: Int) {
        if state.claims[claim].units.allSatisfy(\.isFinished) { state.claims[claim].state = .finished }
    }

    private mutating func heartbeat(_ claim: Int) {
        guard isHeld(claim) else { return }
        let handed = state.claims[claim].units
        effect.superseded = handed.indices.filter { place in
            let unit = Int(handed[place].unit)
            guard !handed[place].isFinished, !marked([unit]).isEmpty else { return false }
            return mutant == .heartbeatTellsMarked || state.units[unit].hasLeft(handed[place])
        }
    }

    private mutating func expire(_ claim: Int) {
        guard state.claims[claim].state == .active else { return }
        if mutant == .expiryKeepsUnits {
            state.claims[claim].state = .over
        } else {
            giveBack(claim, isExpiry: true)
        }
    }

    private mutating func giveBack(_ claim: Int, isExpiry: Bool) {
        guard isExpiry || isHeld(claim) else { return }
        let rest = state.claims[claim].units.filter { !$0.isFinished }.map { Int($0.unit) }
        ledger.update(Self.address) { $0.giveBack(BlockBits(rest)) }
        state.claims[claim].state = .over
    }
}
