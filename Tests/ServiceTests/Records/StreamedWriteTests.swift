// Writes to a root whose rows come in over time.

import Feature
import Postgres
import Store
import Testing

@testable import Service

@Suite("Streamed writes")
struct StreamedWriteTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}"#,
    ]

    /// Rows `from`…, each with the version `version` and a metadata column.
    private static func part(
        _ shape: RowShape, line: Int, _ ids: Range<Int>, _ version: String, metadata: String = #"{"n":1}"#
    ) -> RecordPart {
        var part = RecordPart(shape, fromLine: line)
        for id in ids {
            part.give(.provenance, field: 0, version)
            part.append([.integer(Int64(id))], metadata: Array(metadata.utf8))
        }
        return part
    }

    private static func write(
        _ world: World, _ parts: [RecordPart], to shape: RowShape
    ) async throws(ServiceError) -> WriteOutcome {
        var rest = parts[...]
        return try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
            () async throws(ServiceError) in rest.popFirst()
        }
    }

    private static func counts(_ world: World) async throws -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: try await world.metaxy.operations.status().map {
                ($0.key.description, $0.records + $0.pending)
            })
    }

    @Test("many parts are one write: new, changed and unchanged rows are told apart across them")
    func parts() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let all = (0..<4).map { Self.part(shape, line: $0 * 100 + 1, $0 * 100..<$0 * 100 + 100, "a") }
            let first = try await Self.write(world, all, to: shape)
            #expect(first.new == 400 && first.changed == 0 && first.unchanged == 0)
            #expect(try await Self.counts(world) == ["root": 400, "leaf": 400])
            let again = try await Self.write(world, all, to: shape)
            #expect(again.new == 0 && again.changed == 0 && again.unchanged == 400)
            var mixed = Array(all[..<3])
            mixed.append(Self.part(shape, line: 301, 390..<410, "b"))
            let third = try await Self.write(world, mixed, to: shape)
            #expect(third.new == 10 && third.changed == 10 && third.unchanged == 300)
            #expect(try await world.metaxy.operations.verify(nil).mismatches.isEmpty)
        }
    }

    @Test("metadata that only looks different is unchanged; metadata that differs is not")
    func metadata() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let write = { (metadata: String) async throws(ServiceError) in
                try await Self.write(
                    world, [Self.part(shape, line: 1, 0..<3, "a", metadata: metadata)], to: shape)
            }
            #expect(try await write(#"{"n":1,"m":[1,2]}"#).new == 3)
            #expect(try await write(#"{"m":[1,2],"n":1.0}"#).unchanged == 3)
            #expect(try await write(#"{"m":[2,1],"n":1}"#).changed == 3)
            #expect(try await world.work("leaf").count == 3)
            #expect(try await write(#"{"m":[2,2],"n":1}"#).changed == 3)
            #expect(try await world.resolve("leaf") == [:])
        }
    }

    @Test("a record named twice is refused with both places, in one part and across parts; nothing is written")
    func duplicates() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            var twice = Self.part(shape, line: 1, 0..<10, "a")
            twice.give(.provenance, field: 0, "b")
            twice.append([.integer(4)], metadata: Array("{}".utf8))
            for parts in [
                [twice],
                [
                    Self.part(shape, line: 1, 0..<10, "a"), Self.part(shape, line: 11, 4..<5, "b"),
                    Self.part(shape, line: 12, 20..<30, "a"),
                ],
            ] {
                let expected = ServiceError.invalid([Fault(.line(11), "the same record as at line 5")])
                await #expect(throws: expected) { try await Self.write(world, parts, to: shape) }
            }
            #expect(try await Self.counts(world) == ["root": 0, "leaf": 0])
        }
    }

    @Test("a write that is given up half-way leaves nothing, and nobody waiting")
    func abandoned() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            var given = 0
            await #expect(throws: ServiceError.cancelled) {
                try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
                    () async throws(ServiceError) in
                    given += 1
                    if given == 4 { throw .cancelled }
                    return Self.part(shape, line: given, given..<given + 1, "a")
                }
            }
            #expect(try await Self.counts(world) == ["root": 0, "leaf": 0])
            #expect(try await Self.write(world, [Self.part(shape, line: 1, 0..<9, "a")], to: shape).new == 9)
        }
    }

    @Test("a definition that changes while the rows come in ends the write")
    func redefined() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            try await world.push([
                Self.graph[0].replacing(#""code_version":"1""#, with: #""code_version":"2""#), Self.graph[1],
            ])
            await #expect(throws: ServiceError.self) {
                try await Self.write(world, [Self.part(shape, line: 1, 0..<9, "a")], to: shape)
            }
            #expect(try await Self.counts(world) == ["root": 0, "leaf": 0])
        }
    }

    @Test("a definition that comes back with more slots ends the write, too")
    func comesBack() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let key = try #require(FeatureKey("root"))
            let shape = try await world.metaxy.records.shape(of: key)
            let field = #"{"key":"x","code_version":"1"}"#
            let other = #"{"key":"z","code_version":"1"}"#
            try await world.push([Self.graph[0].replacing(field, with: "\(field),\(other)"), Self.graph[1]])
            try await world.push(Self.graph)
            await #expect(throws: ServiceError.self) {
                try await Self.write(world, [Self.part(shape, line: 1, 0..<9, "a")], to: shape)
            }
            let now = try await world.metaxy.records.shape(of: key)
            #expect(now.definition == shape.definition && now != shape)
            #expect(try await Self.write(world, [Self.part(now, line: 1, 0..<9, "a")], to: now).new == 9)
        }
    }

    @Test("entries that are numbered beside the write are those of its transaction, each with a number of its own")
    func numbers() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let rows = 2 * LineageAppend.copiedMin
            for (round, version) in ["a", "b", "c"].enumerated() {
                // In the second round three of five parts say what is stored.
                let parts = (0..<5).map { part in
                    let isSame = round == 1 && part % 2 == 0
                    return Self.part(
                        shape, line: part * rows + 1, part * rows..<(part + 1) * rows, isSame ? "a" : version)
                }
                let outcome = try await Self.write(world, parts, to: shape)
                #expect(outcome.new == [5 * rows, 0, 0][round] && outcome.changed == [0, 2 * rows, 5 * rows][round])
            }
            let found = try await world.pool.withConnection { (connection) throws(PostgresError) in
                let sql = """
                    SELECT count(*), count(DISTINCT entry), count(DISTINCT (operation_id, written_at)),
                           max(entry) <= (SELECT last_value FROM lineage_entry_sequence)
                    FROM lineage WHERE feature_id = \(shape.feature)
                    """
                let rows = try connection.query(Statement("numbers", sql, prepare: false))
                return try rows.map { row throws(PostgresError) in
                    [try row.int8(0), try row.int8(1), try row.int8(2), try row.bool(3) ? 1 : 0]
                }
            }
            #expect(found == [[Int64(12 * rows), Int64(12 * rows), 3, 1]])
            #expect(try await world.metaxy.operations.verify(nil).mismatches.isEmpty)
        }
    }

    @Test("other writers of the root wait for a long write, and find what it wrote")
    func alone() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
            var given = 0
            async let short = {
                // Starts once the long write is under way.
                for await _ in arrived { break }
                return try await Self.write(world, [Self.part(shape, line: 1, 0..<1, "b")], to: shape)
            }()
            let long = try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
                () async throws(ServiceError) in
                given += 1
                if given == 3 { arrive.yield() }
                return given == 5 ? nil : Self.part(shape, line: given, given - 1..<given, "a")
            }
            #expect(long.new == 4)
            let outcome = try await short
            #expect(outcome.changed == 1 && outcome.new == 0)
            #expect(try await world.metaxy.operations.verify(nil).mismatches.isEmpty)
        }
    }

    @Test("a long write locks no work before its end")
    func locksNothing() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            _ = try await Self.write(world, [Self.part(shape, line: 1, 0..<9, "a")], to: shape)
            var (given, free) = (0, Int64(-1))
            _ = try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
                () async throws(ServiceError) in
                given += 1
                // The transaction took the third part, so it has written the first two.
                if given == 5 {
                    free = try await world.pool.transaction { (connection) throws(ServiceError) in
                        do throws(PostgresError) {
                            let sql = "SELECT w.block FROM work w FOR UPDATE SKIP LOCKED"
                            return Int64(try connection.query(Statement("free", sql)).count)
                        } catch {
                            throw ServiceError(error)
                        }
                    }
                }
                return given == 6 ? nil : Self.part(shape, line: given, given..<given + 1, "b")
            }
            let blocks = try await world.pool.withConnection { (connection) throws(PostgresError) in
                try connection.query(Statement("blocks", "SELECT count(*) FROM work")).single().int8(0)
            }
            #expect(blocks > 0 && free == blocks)
        }
    }

    @Test("a record that another writer makes while a long write begins is made once")
    func crossing() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            let shape = try await world.metaxy.records.shape(of: try #require(FeatureKey("root")))
            for round in 0..<30 {
                let rows = round * 300..<round * 300 + 300
                let (begun, begin) = AsyncStream.makeStream(of: Void.self)
                async let short = {
                    for await _ in begun { break }
                    return try await Self.write(
                        world, [Self.part(shape, line: 1, rows.lowerBound + 250..<rows.upperBound, "b")], to: shape)
                }()
                var given = 0
                let long = try await world.metaxy.roots.write(to: shape, writer: Writer(), shortRows: 0) {
                    () async throws(ServiceError) in
                    if given == round % 3 { begin.yield() }
                    defer { given += 1 }
                    let from = rows.lowerBound + 100 * given
                    return given == 3 ? nil : Self.part(shape, line: 100 * given + 1, from..<from + 100, "a")
                }
                let other = try await short
                #expect(long.new + other.new == 300 && long.changed + other.changed == 50)
            }
            #expect(try await world.metaxy.operations.verify(nil).mismatches.isEmpty)
        }
    }
}
