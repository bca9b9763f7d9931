// Reading ahead: which units are looked up before anybody asks for them, and when.

import Dispatch
import Feature
import Postgres
import Store
import Synchronization
import Testing

@testable import Service

@Suite("Reading ahead")
struct ReadAheadTests {
    private static let root = #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#
    private static let leaf =
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}"#

    /// A service whose leaf is computed for `count` records.
    private static func withLeaf(_ count: Int, _ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            try await world.push([root, leaf])
            try await change(world, count, "1")
            #expect(try await world.work("leaf", limit: 5_000).count == count)
            try await body(world)
        }
    }

    private static func change(_ world: World, _ count: Int, _ version: String, root: String = "root") async throws {
        try await world.write(root, (0..<count).map { (String($0), ["x": version]) })
    }

    /// The units that the latest change to mark some has marked for whoever reads ahead.
    private static func marked(_ world: World) async throws -> [FeatureID: [RecordID]] {
        var marks = world.metaxy.ahead.state.context.marks.stream.makeAsyncIterator()
        return try #require(await marks.next())
    }

    @Test("units that a change marks are looked up, once for each time that somebody asks")
    func asked() async throws {
        try await Self.withLeaf(40) { world in
            try await Self.change(world, 30, "2")
            let units = try await Self.marked(world)
            #expect(units.mapValues { Set($0).count } == [2: 30] && units[2] == units[2]?.sorted())
            #expect(await world.metaxy.ahead.readAhead(units) == 30)
            #expect(await world.metaxy.ahead.readAhead(units) == nil)
            #expect(try await world.resolve("leaf")[.stale]?.count == 30)
            #expect(await world.metaxy.ahead.readAhead(units) == 30)
            // A claim that is handed nothing asks for nothing.
            #expect(try await world.claim("leaf", limit: 30)?.records.count == 30)
            #expect(try await world.claim("leaf") == nil)
            #expect(await world.metaxy.ahead.readAhead(units) == 30)
            #expect(try await world.claim("leaf") == nil)
            #expect(await world.metaxy.ahead.readAhead(units) == nil)
        }
    }

    @Test("whoever reads ahead does so by itself, until it is told to stop")
    func runs() async throws {
        try await Self.withLeaf(16) { world in
            let reading = Task { await world.metaxy.ahead.readAhead() }
            try await Self.change(world, 16, "2")
            while world.metaxy.ahead.state.isAsked.load(ordering: .relaxed) { await Task.yield() }
            reading.cancel()
            await reading.value
        }
    }

    @Test("neither few units are looked up nor many, nor those that were handed out and given back")
    func bounds() async throws {
        try await Self.withLeaf(1_025) { world in
            for (count, other) in [(16, 15), (1_024, 1_025)] {
                // The latest that is looked up is that of the first of both.
                for (number, changed) in [count, other].enumerated() {
                    try await Self.change(world, changed, "\(count) \(number)")
                    #expect(try await world.work("leaf", limit: 5_000).count == changed)
                }
                #expect(try await Self.marked(world).mapValues(\.count) == [2: count])
            }
            try await Self.change(world, 20, "20")
            let claimed = try #require(try await world.claim("leaf", limit: 18))
            _ = try await world.metaxy.claims.release(claim: claimed.claim.id, token: claimed.claim.token)
            #expect(try await Self.marked(world).mapValues(\.count) == [2: 20])
        }
    }

    @Test("of units with several inputs those are looked up too")
    func inputs() async throws {
        let other = Self.root.replacing("root", with: "other")
        let both = #"""
            {"key":"both","id_columns":["id"],"deps":[{"feature":"root"},{"feature":"other","select":[]}],
             "fields":[{"key":"y","code_version":"1"}]}
            """#
        try await World.with { world in
            try await world.push([Self.root, other, both])
            try await Self.change(world, 20, "1")
            try await Self.change(world, 20, "1", root: "other")
            try await world.work("both")
            try await Self.change(world, 16, "2", root: "other")
            let units = try await Self.marked(world)
            #expect(units.values.map(\.count) == [16])
            // The head of each unit and of both its inputs.
            #expect(await world.metaxy.ahead.readAhead(units) == 48)
        }
    }

    @Test("nothing is looked up while others are at work")
    func busy() async throws {
        try await Self.withLeaf(16) { world in
            try await Self.change(world, 16, "2")
            let units = try await Self.marked(world)
            let release = DispatchSemaphore(value: 0)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do throws(PostgresError) {
                            try await world.pool.withConnection { (_) throws(PostgresError) in release.wait() }
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
                while world.pool.statistics.inUse < 2 { await Task.yield() }
                #expect(await world.metaxy.ahead.readAhead(units) == nil)
                for _ in 0..<2 { release.signal() }
            }
            #expect(await world.metaxy.ahead.readAhead(units) == 16)
        }
    }
}
