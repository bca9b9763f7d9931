// A state of the small world in which the lease protocol is tried exhaustively.

/// Units with one input each, and the claims that some worker may still remember.
///
/// States are held against each other in their standard form, so they are finitely many however long it goes on.
struct LeaseState: Hashable {
    /// The latest version of a unit.
    struct Version: Hashable {
        /// Its lineage entry; 0 where the unit was never computed.
        var entry: UInt8 = 0
        /// The input that it says it was made from; nil where there is none.
        var told: UInt8?
        /// The input that it was really made from.
        var made: UInt8?
    }

    /// A failure that is remembered.
    struct Failed: Hashable {
        /// The input with which the unit could not be computed.
        var input: UInt8
        /// Whether it may be tried again.
        var isDue = false
    }

    /// A unit: its input, its latest version, its stored bits.
    struct Unit: Hashable {
        var input: UInt8 = 0
        var head = Version()
        var isDirty = true
        var isLeased = false
        var isParked = false
        var failed: Failed?
        /// The tombstone of its last erasure; 0 where no claim was handed out before one.
        var erased: UInt8 = 0

        /// Whether it is what it should be.
        var isRight: Bool { head.told == input && head.made == input }

        /// Whether a result of what was handed out would not be right, or not become the latest version.
        func hasLeft(_ handed: Handed) -> Bool { input != handed.input || head.entry != handed.base }
    }

    /// What a claim was given.
    struct Handed: Hashable {
        var unit: UInt8
        var base: UInt8
        var input: UInt8
        /// Completed or failed.
        var isFinished = false
        /// Reported as failed.
        var isFailed = false
        /// Whether the unit was erased since it was handed out.
        var isErased = false
    }

    /// How a claim stands; released and expired are one, for both refuse every report.
    enum ClaimState: UInt8 { case active, finished, over }

    /// A claim.
    struct Claim: Hashable {
        var token: UInt8
        var state = ClaimState.active
        var units: [Handed]
    }

    var units: [Unit]
    /// Ascending by token.
    var claims: [Claim] = []

    /// Whether nothing is left to do.
    var isAtRest: Bool { units.allSatisfy { $0.isRight && !$0.isDirty && !$0.isLeased && !$0.isParked } }

    /// The state that stands for all that differ from it by nothing that matters: numbers are replaced by their ranks, for
    /// entries among those of one unit; the present input of each unit is 0; what nothing depends on is left out.
    func standard() -> LeaseState {
        var state = self
        for (index, claim) in claims.enumerated() {
            state.claims[index].token = UInt8(index + 1)
            for (place, handed) in claim.units.enumerated() where handed.isFinished || claim.state != .active {
                state.claims[index].units[place] = Handed(
                    unit: handed.unit, base: 0, input: 0, isFinished: handed.isFinished, isFailed: handed.isFailed)
            }
        }
        for unit in state.units.indices { state.standardise(unit) }
        return state
    }

    private mutating func standardise(_ unit: Int) {
        var entries: Set<UInt8> = [units[unit].head.entry]
        for claim in claims where claim.state == .active {
            for handed in claim.units where handed.unit == unit { entries.insert(handed.base) }
        }
        // An erasure matters to what was handed out before it alone.
        let erased = units[unit].erased
        let isRemembered = claims.contains { claim in
            claim.state == .active
                && claim.units.contains { $0.unit == unit && !$0.isFinished && $0.base < erased }
        }
        if isRemembered { entries.insert(erased) }
        let sorted = entries.subtracting([0]).sorted()
        func rank(_ entry: UInt8) -> UInt8 { UInt8((sorted.firstIndex(of: entry) ?? -1) + 1) }
        let input = units[unit].input
        units[unit].input = 0
        units[unit].head.entry = rank(units[unit].head.entry)
        units[unit].erased = isRemembered ? rank(erased) : 0
        units[unit].head.told = units[unit].head.told.map { $0 ^ input }
        units[unit].head.made = units[unit].head.made.map { $0 ^ input }
        units[unit].failed?.input ^= input
        for index in claims.indices where claims[index].state == .active {
            for place in claims[index].units.indices where claims[index].units[place].unit == unit {
                guard !claims[index].units[place].isFinished else { continue }
                claims[index].units[place].base = rank(claims[index].units[place].base)
                claims[index].units[place].input ^= input
            }
        }
    }
}
