// The lease protocol in every state that a small world can reach, and the mistakes that must show there.

import Testing

@Suite("Leases, exhaustively")
struct LeaseModelTests {
    @Test(
        "every property holds in every state, whatever comes late, twice or never",
        arguments: [
            (units: 1, remembered: 3, hasFailures: true), (units: 2, remembered: 2, hasFailures: false),
            (units: 2, remembered: 1, hasFailures: true),
        ])
    func holds(units: Int, remembered: Int, hasFailures: Bool) {
        let search = LeaseSearch(units: units, remembered: remembered, hasFailures: hasFailures)
        print("\(units) units, \(remembered) claims remembered: \(search.visited) states, \(search.steps) steps")
        #expect(search.violation?.property == nil, "\(search.violation?.trace ?? [])")
        #expect(search.visited > 500)
    }

    @Test("a mistake in the protocol breaks the property that is there for it", arguments: LeaseMutant.allCases)
    func caught(mutant: LeaseMutant) {
        let search = LeaseSearch(
            units: mutant.units, remembered: mutant.units == 1 ? 2 : 1, hasFailures: true, mutant: mutant)
        #expect(search.violation?.property == mutant.breaks, "\(search.violation?.trace ?? [])")
    }

    @Test("every property but those on the bits of one block is broken by some mistake")
    func properties() {
        let broken = Set(LeaseMutant.allCases.map(\.breaks))
        // A block lets nobody lease twice or park what is leased: it stops the program.
        #expect(Set(LeaseProperty.allCases).subtracting(broken) == [.leasedOnce, .parkedAlone])
    }
}
