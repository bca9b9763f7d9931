// PoolMachine: conversations, event by event.

import Base
import Testing

@testable import Postgres

@Suite struct PoolMachineTests {
    static let backoff = Backoff(first: .milliseconds(100), most: .seconds(1))

    static func machine(size: Int, waitersMax: Int = 100) -> PoolMachine {
        PoolMachine(size: size, waitDeadline: .seconds(10), waitersMax: waitersMax, backoff: backoff)
    }

    static func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func the_first_caller_has_a_connection_opened_and_the_next_finds_it() {
        var pool = Self.machine(size: 2)
        #expect(pool.request(now: Self.at(0)) == (1, [.connect(slot: 0)]))
        #expect(pool.connected(slot: 0, now: Self.at(5)) == [.run(ticket: 1, slot: 0)])
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(6)) == [])
        #expect(pool.request(now: Self.at(7)) == (2, [.run(ticket: 2, slot: 0)]))
        #expect(pool.acquiredTotal == 2)
        #expect(pool.waitTotal == .milliseconds(5))
    }

    @Test func callers_are_served_in_the_order_of_their_arrival() {
        var pool = Self.machine(size: 1)
        _ = pool.request(now: Self.at(0))
        #expect(pool.request(now: Self.at(1)) == (2, []))
        #expect(pool.request(now: Self.at(2)) == (3, []))
        #expect(pool.connected(slot: 0, now: Self.at(3)) == [.run(ticket: 1, slot: 0)])
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(4)) == [.run(ticket: 2, slot: 0)])
        #expect(pool.released(ticket: 2, healthy: true, now: Self.at(5)) == [.run(ticket: 3, slot: 0)])
    }

    @Test func no_more_connections_are_opened_than_callers_wait_for() {
        var pool = Self.machine(size: 8)
        #expect(pool.request(now: Self.at(0)).actions == [.connect(slot: 0)])
        #expect(pool.request(now: Self.at(0)).actions == [.connect(slot: 1)])
        #expect(pool.connected(slot: 1, now: Self.at(1)) == [.run(ticket: 1, slot: 1)])
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(2)) == [.run(ticket: 2, slot: 1)])
        // Slot 0 comes too late for anybody and lies idle.
        #expect(pool.connected(slot: 0, now: Self.at(3)) == [])
        #expect(pool.open == 2)
    }

    @Test func a_caller_that_waited_too_long_is_told_so() {
        var pool = Self.machine(size: 1)
        _ = pool.request(now: Self.at(0))
        _ = pool.connected(slot: 0, now: Self.at(0))
        _ = pool.request(now: Self.at(100))
        #expect(pool.wakeAt == Self.at(10_100))
        #expect(pool.tick(now: Self.at(10_099)) == [])
        #expect(pool.tick(now: Self.at(10_100)) == [.fail(ticket: 2, .deadline)])
        #expect(pool.wakeAt == nil)
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(11_000)) == [])
    }

    @Test func a_cancelled_caller_leaves_the_queue_and_a_running_one_is_interrupted() {
        var pool = Self.machine(size: 1)
        _ = pool.request(now: Self.at(0))
        _ = pool.connected(slot: 0, now: Self.at(0))
        _ = pool.request(now: Self.at(1))
        _ = pool.request(now: Self.at(1))
        #expect(pool.cancel(2) == [.fail(ticket: 2, .cancelled)])
        #expect(pool.cancel(2) == [])
        #expect(pool.cancel(1) == [.interrupt(ticket: 1, slot: 0)])
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(2)) == [.run(ticket: 3, slot: 0)])
        #expect(pool.cancel(1) == [])
    }

    @Test func too_many_callers_are_refused_at_once() {
        var pool = Self.machine(size: 1, waitersMax: 1)
        _ = pool.request(now: Self.at(0))
        #expect(pool.request(now: Self.at(0)) == (2, [.fail(ticket: 2, .tooManyWaiters)]))
    }

    @Test func a_failed_attempt_to_connect_is_repeated_after_a_growing_delay_by_one_slot() {
        var pool = Self.machine(size: 4)
        for _ in 0..<3 { _ = pool.request(now: Self.at(0)) }
        let first = pool.connectFailed(slot: 0, now: Self.at(10), random: 1)
        #expect(first == (.milliseconds(100), []))
        let second = pool.connectFailed(slot: 1, now: Self.at(10), random: 1)
        #expect(second == (.milliseconds(200), []))
        #expect(pool.connectFailed(slot: 2, now: Self.at(10), random: 0) == (.milliseconds(200), []))
        #expect(pool.wakeAt == Self.at(210))
        #expect(pool.tick(now: Self.at(209)) == [])
        #expect(pool.tick(now: Self.at(210)) == [.connect(slot: 0)])
        #expect(pool.tick(now: Self.at(211)) == [])
        // One success is enough to open the others.
        #expect(
            pool.connected(slot: 0, now: Self.at(220))
                == [.run(ticket: 1, slot: 0), .connect(slot: 1), .connect(slot: 2)])
    }

    @Test func a_broken_connection_is_replaced_for_the_next_caller() {
        var pool = Self.machine(size: 1)
        _ = pool.request(now: Self.at(0))
        _ = pool.connected(slot: 0, now: Self.at(0))
        _ = pool.request(now: Self.at(1))
        #expect(pool.released(ticket: 1, healthy: false, now: Self.at(2)) == [.connect(slot: 0)])
        #expect(pool.connected(slot: 0, now: Self.at(3)) == [.run(ticket: 2, slot: 0)])
    }

    @Test func a_caller_whose_connection_was_found_dead_keeps_its_place() {
        var pool = Self.machine(size: 1)
        _ = pool.request(now: Self.at(0))
        _ = pool.connected(slot: 0, now: Self.at(0))
        _ = pool.released(ticket: 1, healthy: true, now: Self.at(1))
        #expect(pool.request(now: Self.at(2)) == (2, [.run(ticket: 2, slot: 0)]))
        #expect(pool.request(now: Self.at(3)) == (3, []))
        #expect(pool.rejected(ticket: 2, now: Self.at(4)) == [.connect(slot: 0)])
        #expect(pool.connected(slot: 0, now: Self.at(5)) == [.run(ticket: 2, slot: 0)])
    }

    @Test func closing_fails_those_who_wait_and_lets_the_others_finish() {
        var pool = Self.machine(size: 2)
        _ = pool.request(now: Self.at(0))
        _ = pool.request(now: Self.at(0))
        _ = pool.connected(slot: 0, now: Self.at(0))
        #expect(pool.close() == [.fail(ticket: 2, .closed)])
        #expect(pool.request(now: Self.at(1)) == (3, [.fail(ticket: 3, .closed)]))
        #expect(pool.connected(slot: 1, now: Self.at(2)) == [.close(slot: 1)])
        #expect(pool.ended(slot: 1) == [])
        #expect(pool.released(ticket: 1, healthy: true, now: Self.at(3)) == [.close(slot: 0)])
        #expect(pool.ended(slot: 0) == [.closed])
        #expect(pool.close() == [])
    }
}

@Suite struct BackoffTests {
    @Test func delays_double_up_to_the_most_and_keep_at_least_half() {
        let backoff = PoolMachineTests.backoff
        #expect(backoff.delay(failures: 1, random: 0) == .milliseconds(50))
        #expect(backoff.delay(failures: 1, random: 1) == .milliseconds(100))
        #expect(backoff.delay(failures: 2, random: 0.5) == .milliseconds(150))
        #expect(backoff.delay(failures: 5, random: 1) == .seconds(1))
        #expect(backoff.delay(failures: 1_000_000, random: 1) == .seconds(1))
    }
}
