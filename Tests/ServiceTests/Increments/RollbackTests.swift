// Going back to earlier definitions, in whatever order anybody asks.

import Feature
import Service
import Store
import Testing

@Suite("Rollbacks")
struct RollbackTests {
    private static let root = #"{"key":"root","id_columns":["id"],"fields":[{"key":"x"}]}"#

    private static func middle(_ code: String) -> String {
        """
        {"key":"middle","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"m","code_version":"\(code)"}]}
        """
    }

    private static func leaf(_ code: String) -> String {
        """
        {"key":"leaf","id_columns":["id"],"deps":[{"feature":"middle"}],"fields":[{"key":"y","code_version":"\(code)"}]}
        """
    }

    /// Pushes both code versions and computes what follows.
    private static func run(_ world: World, _ middle: String, _ leaf: String) async throws {
        try await world.push([root, Self.middle(middle), Self.leaf(leaf)])
        try await world.work("middle")
        try await world.work("leaf")
    }

    @Test("nothing is computed again, whichever feature is asked for first", arguments: [true, false])
    func anyOrder(isClaimed: Bool) async throws {
        try await World.with { world in
            try await world.push([Self.root])
            try await world.write("root", [("a", ["x": "1"])])
            try await Self.run(world, "1", "1")
            // The leaf has a version over the newer middle by its older code, which must not be mistaken for the end.
            try await Self.run(world, "2", "1")
            try await Self.run(world, "2", "2")
            try await world.push([Self.root, Self.middle("1"), Self.leaf("1")])
            if isClaimed {
                #expect(try await world.claim("leaf") == nil)
            } else {
                #expect(try await world.resolve("leaf") == [:])
            }
            #expect(try await world.resolve("middle") == [:])
            #expect(try await world.resolve("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a record waits for an input that going back moves, also in fields that were not stale")
    func movesMore() async throws {
        try await World.with { world in
            func graph(_ code: String) -> [String] {
                [
                    Self.root,
                    #"{"key":"other","id_columns":["id"],"fields":[{"key":"o"}]}"#,
                    """
                    {"key":"middle","id_columns":["id"],"deps":[{"feature":"root"}],\
                    "fields":[{"key":"a"},{"key":"b","code_version":"\(code)"}]}
                    """,
                    """
                    {"key":"leaf","id_columns":["id"],"deps":[{"feature":"middle"},{"feature":"other"}],"fields":[\
                    {"key":"y","deps":[{"feature":"middle","fields":["a"]},{"feature":"other","fields":["o"]}]}]}
                    """,
                ]
            }
            func compute(_ version: String) async throws {
                let batch = try #require(try await world.claim("middle"))
                let row = RecordRow(
                    place: .line(1), key: batch.records[0].key, metadata: Array("{}".utf8), provenance: nil,
                    dataVersions: ["a": version])
                _ = try await world.metaxy.claims.complete(
                    claim: batch.claim.id, token: batch.claim.token, rows: [row], writer: Writer())
            }
            try await world.push(graph("1"))
            try await world.write("root", [("r", ["x": "1"])])
            try await world.write("other", [("r", ["o": "1"])])
            try await compute("first")
            try await world.push(graph("2"))
            try await compute("second")
            try await world.work("leaf")
            try await world.write("other", [("r", ["o": "2"])])
            try await world.push(graph("1"))
            #expect(try await world.work("leaf") == ["r"])
            #expect(try await world.resolve("middle") == [:])
            #expect(try await world.resolve("leaf") == [:])
            #expect(try await world.mismatches() == [])
        }
    }
}
