// The order in which a transaction may wait for blocks.

import Feature
import Testing

@Suite("The order of locking")
struct WorkLedgerTests {
    private static func place(_ rank: Int, _ feature: FeatureID, _ block: Int32) -> LockPlace {
        LockPlace(rank: rank, address: BlockAddress(feature: feature, block: block))
    }

    @Test("a transaction may wait for blocks that come after all that it holds, and for no others")
    func order() {
        var ledger = WorkLedger()
        #expect(ledger.mayWait(from: Self.place(0, 9, 0)))
        ledger.noteWait(from: Self.place(1, 7, 3), to: Self.place(3, 4, 2))
        for (rank, feature, block, may) in [
            (3, 4, 3, true), (3, 5, 0, true), (4, 1, 0, true), (3, 4, 2, false), (3, 4, 1, false), (3, 3, 9, false),
            (1, 7, 4, false), (2, 9, 9, false),
        ] {
            let place = Self.place(rank, FeatureID(feature), Int32(block))
            #expect(ledger.mayWait(from: place) == may, "\(place)")
        }
        // A block that was free counts as held, and takes nothing back.
        ledger.note(upTo: Self.place(2, 1, 1))
        #expect(!ledger.mayWait(from: Self.place(3, 4, 2)))
        ledger.note(upTo: Self.place(5, 1, 1))
        #expect(!ledger.mayWait(from: Self.place(4, 1, 0)))
    }

    @Test("a transaction that is alone may wait for any block")
    func alone() {
        var ledger = WorkLedger()
        ledger.noteAlone()
        ledger.noteWait(from: Self.place(5, 1, 1), to: Self.place(5, 1, 1))
        ledger.noteWait(from: Self.place(1, 1, 1), to: Self.place(1, 1, 1))
        #expect(ledger.mayWait(from: Self.place(0, 1, 1)))
    }

    @Test("a debug build stops where a block is waited for after a later one")
    func traps() async {
        await #expect(processExitsWith: .failure) {
            var ledger = WorkLedger()
            let (early, late) = (BlockAddress(feature: 1, block: 0), BlockAddress(feature: 2, block: 0))
            ledger.noteWait(from: LockPlace(rank: 1, address: late), to: LockPlace(rank: 1, address: late))
            ledger.noteWait(from: LockPlace(rank: 0, address: early), to: LockPlace(rank: 0, address: early))
        }
    }
}
