// The timer wheel against a list that is searched.

import HTTPSupport
import Sockets
import Testing

@Suite("TimerWheel")
struct TimerWheelTests {
    private static let tick = TimerWheel.tickNanoseconds

    @Test("an entry comes up at its tick, not before, and once")
    func once() {
        var wheel = TimerWheel(now: 0)
        wheel.schedule(7, at: 3)
        var due: [TimerWheel.Entry] = []
        wheel.advance(to: 3 * Self.tick - 1, into: &due)
        #expect(due.isEmpty)
        #expect(wheel.millisecondsToNext(now: 3 * Self.tick - 1_000_000) == 1)
        wheel.advance(to: 3 * Self.tick, into: &due)
        #expect(due.map(\.token) == [7])
        wheel.advance(to: 5_000 * Self.tick, into: &due)
        #expect(due.count == 1)
        #expect(wheel.millisecondsToNext(now: 5_000 * Self.tick) == -1)
    }

    @Test("a deadline in the past comes up with the next tick")
    func past() {
        var wheel = TimerWheel(now: 100 * Self.tick)
        wheel.schedule(1, at: 4)
        var due: [TimerWheel.Entry] = []
        wheel.advance(to: 101 * Self.tick, into: &due)
        #expect(due.map(\.tick) == [4])
    }

    @Test("it agrees with a list, over many rounds and in leaps", arguments: 0..<50)
    func agrees(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var now = Int64.random(in: 0...1_000_000_000_000, using: &random)
        var wheel = TimerWheel(now: now)
        var list: [(token: UInt64, tick: Int64)] = []
        for token in 0..<500 as Range<UInt64> {
            if Bool.random(using: &random) {
                let tick = TimerWheel.tick(atOrAfter: now) + Int64.random(in: 1...3_000, using: &random)
                wheel.schedule(token, at: tick)
                list.append((token, tick))
            }
            let wait = wheel.millisecondsToNext(now: now)
            if let next = list.map(\.tick).min() {
                #expect(wait >= 0 && Int64(wait) * 1_000_000 <= max(next * Self.tick - now, 0) + 1_000_000)
            } else {
                #expect(wait == -1)
            }
            now += Int64.random(in: 0...[10, 1_000, 5_000][Int(token % 3)], using: &random) * Self.tick / 10
            var due: [TimerWheel.Entry] = []
            wheel.advance(to: now, into: &due)
            let expected = list.filter { $0.tick <= now / Self.tick }.map(\.token).sorted()
            list.removeAll { $0.tick <= now / Self.tick }
            #expect(due.map(\.token).sorted() == expected)
        }
    }
}
