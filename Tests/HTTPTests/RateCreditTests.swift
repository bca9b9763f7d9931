// The minimum rate, on a clock that only moves when told to.

import Base
import Testing

@testable import HTTP

@Suite("RateCredit")
struct RateCreditTests {
    private static let second: Int64 = 1_000_000_000

    private func at(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds * Double(Self.second)))
    }

    @Test("a stall uses the credit up")
    func stall() {
        var credit = RateCredit(rate: 100, credit: 10 * Self.second)
        #expect(credit.deadline == nil)
        credit.wait(from: at(5))
        #expect(credit.deadline == at(15))
        credit.wait(from: at(7))
        #expect(credit.deadline == at(15), "waiting on does not start anew")
    }

    @Test("time that the server takes costs the peer nothing")
    func pause() {
        var credit = RateCredit(rate: 100, credit: 10 * Self.second)
        credit.wait(from: at(0))
        credit.pause(now: at(4))
        credit.wait(from: at(1_000))
        #expect(credit.deadline == at(1_006))
    }

    @Test("bytes earn their time at the minimum rate, up to the full credit")
    func earning() {
        var credit = RateCredit(rate: 100, credit: 10 * Self.second)
        credit.wait(from: at(0))
        credit.earn(bytes: 200, now: at(5))
        #expect(credit.deadline == at(12))
        credit.earn(bytes: Int.max, now: at(6))
        #expect(credit.deadline == at(16))
    }

    @Test("a trickle below the rate ends, one at the rate does not")
    func trickle() {
        var slow = RateCredit(rate: 240, credit: 15 * Self.second)
        var steady = slow
        slow.wait(from: at(0))
        steady.wait(from: at(0))
        var slowEnd: Double?
        for second in 1...1_000 {
            if slowEnd == nil, let deadline = slow.deadline, deadline <= at(Double(second)) { slowEnd = Double(second) }
            slow.earn(bytes: 1, now: at(Double(second)))
            steady.earn(bytes: 240, now: at(Double(second)))
        }
        #expect(slowEnd == 16)
        #expect(steady.deadline.map { $0 > at(1_000) } == true)
    }
}
