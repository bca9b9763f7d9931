// Statements that take long are told of, by name, with whom they were for.

import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct SlowStatementTests {
    @TaskLocal private static var caller: String?
    private static let (first, second) = (Statement("first", "SELECT 1"), Statement("second", "SELECT 2"))

    /// What a pool tells of statements that take as long as `limit`, each as `caller: names`.
    private static func told(limit: Duration, _ body: (Pool) async throws -> Void) async throws -> [String] {
        let told = Told()
        try await withPool(
            size: 1,
            {
                $0.slowStatement = limit
                $0.caller = { Self.caller }
                $0.observe = { told.add($0) }
            }
        ) { pool, _ in try await body(pool) }
        return told.lines
    }

    private static func work(_ pool: Pool) async throws {
        try await $caller.withValue("a") {
            try await pool.transaction { (connection) throws(PostgresError) in
                _ = try connection.pipeline([(first, []), (second, [])])
                _ = try connection.query(first)
            }
        }
        try await pool.withConnection { (connection) throws(PostgresError) in _ = try connection.query(second) }
    }

    @Test func what_takes_as_long_as_the_limit_is_told_with_whom_it_was_for() async throws {
        let told = try await Self.told(limit: .zero) { try await Self.work($0) }
        #expect(told == ["a: first second", "a: first", "a: commit", "nobody: second"])
    }

    @Test func what_is_faster_is_not_told() async throws {
        #expect(try await Self.told(limit: .seconds(3_600)) { try await Self.work($0) } == [])
    }

    /// Collects what a pool tells.
    private final class Told: Sendable {
        private let state = Mutex<[String]>([])

        var lines: [String] { state.withLock { $0 } }

        func add(_ event: PostgresEvent) {
            guard case .slowStatements(let names, let duration, let caller) = event, duration > .zero else { return }
            state.withLock { $0.append("\(caller ?? "nobody"): \(names.joined(separator: " "))") }
        }
    }
}
