// Small writes to a root that come while one is being carried out are carried out together.

import Feature
import Postgres
import Store
import Testing

@testable import Service

@Suite("Small writes")
struct SmallWritesTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}"#,
    ]

    private static func with(_ body: (World, RowShape) async throws -> Void) async throws {
        try await World.with(connections: 4) { world in
            try await world.push(graph)
            try await body(world, try await world.metaxy.records.shape(of: try #require(FeatureKey("root"))))
        }
    }

    private static func part(
        _ shape: RowShape, _ ids: some Sequence<Int>, _ version: String, metadata: String = #"{"n":1}"#
    ) -> RecordPart {
        var part = RecordPart(shape, fromLine: 1)
        for id in ids {
            part.give(.provenance, field: 0, version)
            part.append([.integer(Int64(id))], metadata: Array(metadata.utf8))
        }
        return part
    }

    /// Starts writes in their order, all while the first one is kept waiting, and answers what came of each.
    private static func together(
        _ world: World, _ parts: [RecordPart]
    ) async throws -> [Result<WriteOutcome, ServiceError>] {
        let (metaxy, shape) = (world.metaxy, parts[0].shape)
        // A first one that waits for somebody who is alone on the root.
        let (held, hold) = AsyncStream.makeStream(of: Void.self)
        let gate = Feed<Bool>(capacity: 1)
        async let holder: Void = world.pool.transaction { (connection) throws(ServiceError) in
            try stored { () throws(StoreError) in
                guard let plan = try Catalog(Registry(connection).contents())[shape.feature] else {
                    throw .corrupt("the root is not in the graph")
                }
                _ = try WriteAccess.enter(plan, isAlone: true, connection)
            }
            do throws(PostgresError) { _ = try connection.query(Statement("now", "SELECT 1")) } catch {
                throw ServiceError(error)
            }
            hold.yield()
            do { _ = try gate.next(patience: .seconds(60)) } catch { throw ServiceError.internal("\(error)") }
        }
        for await _ in held { break }
        let first = Task {
            try await metaxy.roots.write(RootWrite(part: part(shape, [-1], "first"), writer: Writer()))
        }
        while !metaxy.roots.smallWrites.isBusy { await Task.yield() }
        var tasks: [Task<Result<WriteOutcome, ServiceError>, Never>] = []
        for (number, part) in parts.enumerated() {
            tasks.append(
                Task {
                    do throws(ServiceError) {
                        let writer = Writer(worker: "w\(number)", request: "r\(number)")
                        return .success(try await metaxy.roots.write(RootWrite(part: part, writer: writer)))
                    } catch {
                        return .failure(error)
                    }
                })
            while metaxy.roots.smallWrites.count <= number { await Task.yield() }
        }
        gate.finish()
        try await holder
        _ = try await first.value
        var results: [Result<WriteOutcome, ServiceError>] = []
        for task in tasks { results.append(await task.value) }
        return results
    }

    private static func operations(_ world: World) async throws -> [String] {
        try await world.pool.withConnection { (connection) throws(PostgresError) in
            let sql = """
                SELECT worker || ' ' || request_id || ' ' || (detail ->> 'written') || ' '
                    || (SELECT count(*) FROM lineage l WHERE l.operation_id = o.id) || ' '
                    || (SELECT count(DISTINCT p.position) FROM operation p WHERE p.worker LIKE 'w%')
                FROM operation o WHERE worker LIKE 'w%' ORDER BY id
                """
            return try connection.query(Statement("operations", sql)).map { row throws(PostgresError) in try row.text(0)
            }
        }
    }

    @Test("each is told what came of its own rows, and each is a change of its own")
    func counts() async throws {
        try await Self.with { world, shape in
            _ = try await world.metaxy.roots.write(RootWrite(part: Self.part(shape, 0..<10, "a"), writer: Writer()))
            let results = try await Self.together(
                world,
                [
                    Self.part(shape, 0..<3, "a"), Self.part(shape, 3..<12, "b"), Self.part(shape, 20..<25, "a"),
                ])
            let counts = try results.map { result in
                let outcome = try result.get()
                return [outcome.new, outcome.changed, outcome.unchanged]
            }
            #expect(counts == [[0, 0, 3], [2, 7, 0], [5, 0, 0]])
            #expect(try await Self.operations(world) == ["w0 r0 0 0 1", "w1 r1 9 9 1", "w2 r2 5 5 1"])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("writes of the same record follow each other in the order in which they came")
    func sameRecord() async throws {
        try await Self.with { world, shape in
            let results = try await Self.together(
                world,
                [
                    Self.part(shape, 0..<4, "a"), Self.part(shape, 3..<6, "b"), Self.part(shape, 5..<8, "c"),
                    Self.part(shape, 3..<4, "b"), Self.part(shape, 9..<10, "d"),
                ])
            let counts = try results.map { result in
                let outcome = try result.get()
                return [outcome.new, outcome.changed, outcome.unchanged]
            }
            #expect(counts == [[4, 0, 0], [2, 1, 0], [2, 1, 0], [0, 0, 1], [1, 0, 0]])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("what the database refuses of one is not told to the others")
    func refused() async throws {
        try await Self.with { world, shape in
            let results = try await Self.together(
                world,
                [
                    Self.part(shape, 0..<2, "a"), Self.part(shape, 2..<4, "a", metadata: #"{"n":1e200000}"#),
                    Self.part(shape, 4..<6, "a"),
                ])
            #expect(try results[0].get().new == 2)
            #expect(throws: ServiceError.self) { try results[1].get() }
            #expect(try results[2].get().new == 2)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("many at once are all there, each once")
    func many() async throws {
        try await Self.with { world, shape in
            let outcomes = try await withThrowingTaskGroup(of: WriteOutcome.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        // Each record is written by two of them, with the same content.
                        let ids = (0..<10).map { (number * 5 + $0) % 1_000 }
                        return try await world.metaxy.roots.write(
                            RootWrite(part: Self.part(shape, ids, "a"), writer: Writer()))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.reduce(0) { $0 + $1.new } == 1_000)
            #expect(outcomes.reduce(0) { $0 + $1.unchanged } == 1_000)
            #expect(try await world.metaxy.operations.status().map(\.pending).reduce(0, +) == 1_000)
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("what makes a write special keeps it to itself")
    func special() async throws {
        try await Self.with { _, shape in
            #expect(
                RootWrite(part: Self.part(shape, 0..<TransactionLimits.smallWriteRowsMax, "a"), writer: Writer())
                    .isSmall)
            #expect(
                !RootWrite(part: Self.part(shape, 0...TransactionLimits.smallWriteRowsMax, "a"), writer: Writer())
                    .isSmall)
            IdempotentRequest.$current.withValue(IdempotentRequest(caller: "", key: "k") { _ in nil }) {
                #expect(!RootWrite(part: Self.part(shape, 0..<1, "a"), writer: Writer()).isSmall)
            }
        }
    }
}
