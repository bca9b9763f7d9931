// Faults are kept up to a bound and counted beyond it.

import Base
import Testing

@Suite("Lists of faults")
struct FaultListTests {
    @Test("the first faults are kept, all are counted, and none beyond the bound is made")
    func bound() {
        var made = 0
        func fault() -> Int {
            made += 1
            return made
        }
        var list = FaultList<Int>()
        #expect(list.isEmpty)
        for _ in 0..<250 { list.add(fault()) }
        #expect(list.kept == Array(1...FaultList<Int>.keptMax))
        #expect(list.count == 250)
        #expect(made == FaultList<Int>.keptMax)
    }

    @Test("two lists make one within the bound")
    func union() {
        var list = FaultList<Int>()
        var other = FaultList<Int>()
        for number in 0..<60 { list.add(number) }
        for number in 60..<180 { other.add(number) }
        list.add(contentsOf: other)
        #expect(list.kept == Array(0..<100))
        #expect(list.count == 180)
        #expect(list.map(String.init).kept.last == "99")
        #expect(list.map(String.init).count == 180)
    }
}
