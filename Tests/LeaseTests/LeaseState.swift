// A state of the small world in which the lease protocol is tried exhaustively.

/// Units with one input each, and the claims that some worker may still remember.
///
/// Numbers of tokens and entries are replaced by their ranks, so the states are finitely many however long it goes on.
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

        /// Whether it is what it should be.
        var isRight: Bool { head.told == input && head.made == input }
    }

    /// What a claim was given.
    struct Handed: Hashable {
        var unit: UInt8
        var base: UInt8
        var input: UInt8
        /// Completed or failed.
        var isFinished = false
        /// Whether the unit's input or head was touched after it was handed out.
        var isTouched = false
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

    /// The same state with the least numbers in the same order, and without what nothing can depend on any more.
    func ranked() -> LeaseState {
        var state = self
        for (index, claim) in claims.enumerated() {
            for (place, handed) in claim.units.enumerated() where handed.isFinished || claim.state != .active {
                state.claims[index].units[place] = Handed(
                    unit: handed.unit, base: 0, input: 0, isFinished: handed.isFinished)
            }
        }
        for (rank, index) in state.claims.indices.enumerated() { state.claims[index].token = UInt8(rank + 1) }
        let known = state.units.map(\.head.entry) + state.claims.flatMap { $0.units.map(\.base) }
        let entries = Set(known).subtracting([0]).sorted()
        func rank(_ entry: UInt8) -> UInt8 { UInt8((entries.firstIndex(of: entry) ?? -1) + 1) }
        for index in state.units.indices { state.units[index].head.entry = rank(units[index].head.entry) }
        for index in state.claims.indices {
            for place in state.claims[index].units.indices {
                state.claims[index].units[place].base = rank(state.claims[index].units[place].base)
            }
        }
        return state
    }
}
