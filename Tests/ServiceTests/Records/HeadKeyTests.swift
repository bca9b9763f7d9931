// Keys beside heads: who asks for units is told their ids, whether heads have them or not.

import Feature
import Service
import Testing

@Suite("Keys beside heads")
struct HeadKeyTests {
    private static let graph = [
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}"#,
        #"{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y","code_version":"1"}]}"#,
    ]

    @Test(
        "units have their ids, wherever these are kept",
        arguments: ["false", "true", "feature_id = 1", "feature_id = 2", "rid % 2 = 0"])
    func ids(isLost: String) async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            // Longer than what is kept beside a head.
            let long = String(repeating: "l", count: 200)
            try await world.write("root", (["a", "b", "c", long]).map { ($0, ["x": "1"]) })
            #expect(try await world.work("leaf").sorted() == ["a", "b", "c", long])
            try await world.write("root", [("a", ["x": "2"]), (long, ["x": "2"]), ("d", ["x": "1"])])
            #expect(try await world.delete("root", "id = 'b'") == 1)
            try await world.script("UPDATE head SET key = NULL WHERE \(isLost)")
            let found = try await world.resolve("leaf").mapValues { $0.sorted() }
            #expect(found == [.new: ["d"], .stale: ["a", long], .orphaned: ["b"]])
            #expect(try await world.work("leaf").sorted() == ["a", "d", long])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a unit whose record is lost is not handed out without ids")
    func lost() async throws {
        try await World.with { world in
            try await world.push(Self.graph)
            try await world.write("root", [("a", ["x": "1"])])
            try await world.script("UPDATE head SET key = NULL; DELETE FROM record")
            await #expect(throws: ServiceError.self) { try await world.resolve("leaf") }
            await #expect(throws: ServiceError.self) { try await world.claim("leaf") }
        }
    }
}
