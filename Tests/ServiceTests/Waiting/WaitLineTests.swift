// The order in which those who wait get their turn, and how many do.

import Feature
import Testing

@testable import Service

@Suite("The line of those who wait")
struct WaitLineTests {
    private static let plain = ClaimConditions(kinds: [.new, .stale])
    private static let picky = ClaimConditions(kinds: [.new])

    /// A line of waiters for feature 1: limits by number from 1 on.
    private static func line(_ limits: [Int]) -> WaitLine {
        var line = WaitLine()
        for (index, limit) in limits.enumerated() {
            line.add(UInt64(index + 1), ClaimDemand(features: [1], limit: limit, conditions: plain))
        }
        return line
    }

    @Test(
        "one is taken for each block until the limits cover the units, first come first",
        arguments: [
            ([1, 1, 1], ReadyWork(blocks: 1, units: 1), [1]),
            ([1, 1, 1], ReadyWork(blocks: 2, units: 2_000), [1, 2]),
            ([1, 1, 1], ReadyWork(blocks: 9, units: 2), [1, 2]),
            ([1, 1, 1], ReadyWork(blocks: 9, units: 9), [1, 2, 3]),
            ([256, 256, 256], ReadyWork(blocks: 9, units: 256), [1]),
            ([256, 256, 256], ReadyWork(blocks: 9, units: 257), [1, 2]),
            ([2, 1, 1, 1], ReadyWork(blocks: 4, units: 3), [1, 2]),
            ([], ReadyWork(blocks: 1, units: 1), []),
        ] as [([Int], ReadyWork, [UInt64])])
    func takes(limits: [Int], work: ReadyWork, expected: [UInt64]) {
        var line = Self.line(limits)
        #expect(line.take(work, of: 2) == [])
        #expect(line.take(work, of: 1) == expected)
        #expect(line.count == limits.count - expected.count)
    }

    @Test("who waits again keeps the place that its number gives")
    func returns() {
        var line = Self.line([1, 1, 1])
        #expect(line.take(.some, of: 1) == [1])
        line.add(1, ClaimDemand(features: [1], limit: 1, conditions: Self.plain))
        #expect(line.take(.some, of: 1) == [1])
        #expect(line.take(.some, of: 1) == [2])
    }

    @Test("who waits for several features is taken once and is gone from all of them")
    func several() {
        var line = WaitLine()
        line.add(1, ClaimDemand(features: [1, 2], limit: 1, conditions: Self.plain))
        line.add(2, ClaimDemand(features: [2, 3], limit: 1, conditions: Self.plain))
        #expect(line.features == [1, 2, 3])
        #expect(line.take(.some, of: 1) == [1])
        #expect(line.features == [2, 3])
        #expect(line.take(ReadyWork(blocks: 5, units: 5), of: 2) == [2])
        #expect(line.features == [])
        line.remove(2)
        #expect(line.count == 0)
    }

    @Test("a turn passes over those whose conditions found nothing, and ends when every conditions has been tried")
    func tastes() {
        var line = WaitLine()
        for (number, conditions) in [(1, Self.picky), (2, Self.picky), (3, Self.plain), (4, Self.picky)] {
            line.add(UInt64(number), ClaimDemand(features: [1], limit: 1, conditions: conditions))
        }
        var turn = Turn(feature: 1)
        #expect(line.take(turn) == 1)
        turn.fruitless.insert(Self.picky)
        #expect(line.take(turn) == 3)
        turn.fruitless.insert(Self.plain)
        #expect(line.take(turn) == nil)
        #expect(line.numbers == [2, 4])
    }

    @Test("a task that is woken before it waits does not wait, and one whose time is up leaves the line")
    func timing() async {
        let waiters = Waiters()
        let demand = ClaimDemand(features: [1], limit: 1, conditions: Self.plain)
        let number = waiters.enter()
        let mark = waiters.mark([1])
        waiters.wake([1: .some])
        #expect(await waiters.wait(number, for: demand, since: mark, timeout: .seconds(3_600)) == nil)
        #expect(await waiters.wait(number, for: demand, since: waiters.mark([1]), timeout: .milliseconds(1)) == nil)
        #expect(waiters.count == 0)
        #expect(waiters.wakeUpsTotal == 0)
    }

    @Test("everyone who waits is woken once, without a turn")
    func all() async {
        let waiters = Waiters()
        let demand = ClaimDemand(features: [1], limit: 1, conditions: Self.plain)
        await withTaskGroup(of: Turn?.self) { group in
            for _ in 0..<100 {
                let (number, mark) = (waiters.enter(), waiters.mark([1]))
                group.addTask { await waiters.wait(number, for: demand, since: mark, timeout: .seconds(3_600)) }
            }
            while waiters.count < 100 { await Task.yield() }
            waiters.wakeAll()
            for await turn in group { #expect(turn == nil) }
        }
        #expect(waiters.wakeUpsTotal == 100)
    }
}
