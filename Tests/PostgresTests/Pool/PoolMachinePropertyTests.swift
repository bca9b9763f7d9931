// PoolMachine: its invariants in random histories.

import Base
import Testing

@testable import Postgres

@Suite struct PoolMachinePropertyTests {
    /// What the world outside the machine knows: connections that are being opened, callers and their answers.
    struct World {
        var machine: PoolMachine
        var generator: SeededGenerator
        let size: Int
        var now = MonotonicTime(nanoseconds: 0)
        var connecting: Set<Int> = []
        var running: [UInt64: Int] = [:]
        var waiting: [UInt64: MonotonicTime] = [:]
        var ended: Set<Int> = []
        var isOver = false
        var isClosed = false
        var problems: [String] = []

        init(seed: UInt64) {
            generator = SeededGenerator(seed: seed)
            size = Int.random(in: 1...4, using: &generator)
            machine = PoolMachine(
                size: size, waitDeadline: .milliseconds(50), waitersMax: 20,
                backoff: Backoff(first: .milliseconds(5), most: .milliseconds(40)))
        }

        mutating func require(_ condition: Bool, _ problem: String) {
            if !condition { problems.append("\(problem) at \(now.nanoseconds)") }
        }

        mutating func perform(_ actions: [PoolMachine.Action]) {
            for action in actions {
                switch action {
                case .connect(let slot):
                    require(!connecting.contains(slot) && !running.values.contains(slot), "slot \(slot) is taken")
                    require(!ended.contains(slot) && !isClosed, "slot \(slot) connects after its end")
                    connecting.insert(slot)
                case .run(let ticket, let slot):
                    require(waiting.keys.min() == ticket, "\(ticket) overtakes \(waiting.keys.min() ?? 0)")
                    require(!running.values.contains(slot) && !connecting.contains(slot), "slot \(slot) runs two")
                    waiting[ticket] = nil
                    running[ticket] = slot
                case .fail(let ticket, let reason):
                    let since = waiting.removeValue(forKey: ticket)
                    require(since != nil, "\(ticket) is answered twice")
                    if reason == .deadline, let since {
                        require(now >= since + .milliseconds(50), "\(ticket) is given up early")
                    }
                case .interrupt(let ticket, let slot):
                    require(running[ticket] == slot, "\(ticket) does not run on \(slot)")
                case .close(let slot):
                    require(!running.values.contains(slot) && !connecting.contains(slot), "slot \(slot) is in use")
                    ended.insert(slot)
                case .closed:
                    require(ended.count == size, "closed before its slots")
                    isOver = true
                }
            }
            require(machine.waiting == waiting.count, "callers got lost")
            require(machine.inUse == running.count, "workers got lost")
            require(running.count + connecting.count <= size, "more connections than allowed")
            require(!waiting.isEmpty || machine.wakeAt == nil, "wakes up for nobody")
            let isStuck = !waiting.isEmpty && connecting.isEmpty && running.isEmpty && machine.wakeAt == nil
            require(!isStuck, "nothing will ever serve the callers that wait")
        }

        mutating func request() {
            // The caller is known before the machine answers, as it may be answered at once.
            let (ticket, actions) = machine.request(now: now)
            waiting[ticket] = now
            perform(actions)
        }

        mutating func step() {
            now = now + .microseconds(Int64.random(in: 0...4000, using: &generator))
            if let wakeAt = machine.wakeAt, wakeAt <= now { perform(machine.tick(now: now)) }
            let slot = connecting.sorted().randomElement(using: &generator)
            let ticket = running.keys.sorted().randomElement(using: &generator)
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<40: request()
            case 40..<55:
                guard let slot else { return }
                connecting.remove(slot)
                perform(machine.connected(slot: slot, now: now))
            case 55..<65:
                guard let slot else { return }
                connecting.remove(slot)
                perform(machine.connectFailed(slot: slot, now: now, random: 0.5).1)
            case 65..<85:
                guard let ticket else { return }
                running[ticket] = nil
                let healthy = Int.random(in: 0..<4, using: &generator) > 0
                perform(machine.released(ticket: ticket, healthy: healthy, now: now))
            case 85..<90:
                guard let ticket else { return }
                running[ticket] = nil
                waiting[ticket] = now + .milliseconds(-50)
                perform(machine.rejected(ticket: ticket, now: now))
            default:
                let tickets = (Array(waiting.keys) + Array(running.keys)).sorted()
                if let any = tickets.randomElement(using: &generator) { perform(machine.cancel(any)) }
            }
        }

        mutating func finish() {
            isClosed = true
            perform(machine.close())
            for slot in connecting.sorted() {
                connecting.remove(slot)
                perform(machine.connected(slot: slot, now: now))
            }
            for ticket in running.keys.sorted() {
                running[ticket] = nil
                perform(machine.released(ticket: ticket, healthy: true, now: now))
            }
            for slot in ended.sorted() { perform(machine.ended(slot: slot)) }
            require(waiting.isEmpty && isOver, "something is left")
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func no_caller_is_lost_or_overtaken_and_no_slot_is_used_twice(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<500 { world.step() }
        world.finish()
        #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.prefix(3))")
    }
}

@Suite struct WaitQueueTests {
    @Test(arguments: UInt64(0)..<50)
    func it_behaves_like_a_sorted_list(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = WaitQueue()
        var model: [UInt64] = []
        var left: [UInt64] = []
        var next: UInt64 = 0
        let time = MonotonicTime(nanoseconds: 0)
        for _ in 0..<400 {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0..<3:
                next += 1
                queue.insert(WaitQueue.Entry(ticket: next, deadline: time, since: time))
                model.append(next)
            case 3:
                let removed = queue.removeFirst()?.ticket
                #expect(removed == model.first, "seed \(seed)")
                if !model.isEmpty { left.append(model.removeFirst()) }
            case 4:
                guard let any = model.randomElement(using: &generator) else { continue }
                #expect(queue.remove(any)?.ticket == any, "seed \(seed)")
                #expect(queue.remove(any) == nil, "seed \(seed)")
                model.removeAll { $0 == any }
            default:
                guard let back = left.popLast() else { continue }
                queue.insert(WaitQueue.Entry(ticket: back, deadline: time, since: time))
                model.append(back)
                model.sort()
            }
            #expect(queue.count == model.count, "seed \(seed)")
            #expect(queue.first?.ticket == model.first, "seed \(seed)")
        }
    }
}
