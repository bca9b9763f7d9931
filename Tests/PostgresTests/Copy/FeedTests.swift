// The hand-over from a task to a thread.

import Postgres
import TestSupport
import Testing

@Suite struct FeedTests {
    @Test func a_transaction_takes_what_a_task_sends_in_order_and_to_the_end() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            let feed = Feed<Int>(capacity: 2)
            async let sum = pool.transaction { (connection) throws(PostgresError) -> [Int] in
                var taken: [Int] = []
                do {
                    while let value = try feed.next(patience: .seconds(60)) { taken.append(value) }
                } catch {
                    throw PostgresError(.protocolViolation, "\(error)")
                }
                return taken
            }
            for value in 0..<1_000 { #expect(await feed.send(value)) }
            feed.finish()
            let taken = try await sum
            #expect(taken == Array(0..<1_000))
            await pool.close()
        }
    }

    @Test func what_is_closed_takes_and_gives_nothing() async {
        let feed = Feed<Int>(capacity: 1)
        feed.close()
        #expect(await feed.send(1) == false)
        #expect(throws: Feed<Int>.Interruption.abandoned) { try feed.next(patience: .seconds(60)) }
    }

    @Test func a_sender_that_waits_for_room_is_told_when_the_other_side_closes() async {
        let feed = Feed<Int>(capacity: 1)
        async let answer = feed.send(1)
        await Task.yield()
        feed.close()
        #expect(await answer == false)
    }

    @Test func nobody_waits_longer_than_he_has_patience() {
        let feed = Feed<Int>(capacity: 1)
        #expect(throws: Feed<Int>.Interruption.late) { try feed.next(patience: .zero) }
    }
}
