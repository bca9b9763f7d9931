// Which records wait for their inputs, and what ends the waiting.

import Feature
import Service
import Store
import Testing

@Suite("Settled inputs")
struct SettledInputTests {
    private static func feature(_ key: String, _ deps: String..., fields: String) -> String {
        #"{"key":"\#(key)","id_columns":["id"],"deps":[\#(deps.joined(separator: ","))],"fields":[\#(fields)]}"#
    }

    private static func field(_ key: String, _ code: String = "1", from inputs: String...) -> String {
        let deps = inputs.map { input in
            let parts = input.split(separator: ".")
            return #"{"feature":"\#(parts[0])","fields":["\#(parts[1])"]}"#
        }
        return #"{"key":"\#(key)","code_version":"\#(code)","deps":[\#(deps.joined(separator: ","))]}"#
    }

    private static func dep(_ key: String) -> String { #"{"feature":"\#(key)"}"# }

    /// Claims one unit and completes it with the given data versions.
    private static func compute(_ world: World, _ feature: String, _ data: [String: String]) async throws {
        let batch = try #require(try await world.claim(feature, limit: 1))
        let rows = batch.records.map {
            RecordRow(
                place: .line(1), key: $0.key, metadata: Array("{}".utf8), provenance: nil, dataVersions: data)
        }
        _ = try await world.metaxy.claims.complete(
            claim: batch.claim.id, token: batch.claim.token, rows: rows, writer: Writer())
    }

    @Test("a change at the top of a chain is handed out one step at a time, each once the step before is settled")
    func chain() async throws {
        try await World.with { world in
            try await world.push([
                Self.feature("a", fields: Self.field("x")),
                Self.feature("b", Self.dep("a"), fields: Self.field("x")),
                Self.feature("c", Self.dep("b"), fields: Self.field("x")),
                Self.feature("d", Self.dep("c"), fields: Self.field("x")),
            ])
            let chain = ["b", "c", "d"]
            try await world.write("a", [("r", ["x": "1"]), ("s", ["x": "1"])])
            for feature in chain { try await world.work(feature) }
            try await world.write("a", [("r", ["x": "2"])])
            for (step, feature) in chain.enumerated() {
                for later in chain[(step + 1)...] { #expect(try await world.claim(later) == nil) }
                let batch = try #require(try await world.claim(feature))
                #expect(batch.records.map { world.text($0.key) } == ["r"])
                // In a worker's hands it is no more settled than before.
                for later in chain[(step + 1)...] { #expect(try await world.claim(later) == nil) }
                try await world.complete(batch)
            }
            #expect(try await world.candidates() == [:])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("a push that changes the code of a whole chain hands it out one step at a time")
    func pushedChain() async throws {
        try await World.with { world in
            func graph(_ code: String) -> [String] {
                [
                    Self.feature("a", fields: Self.field("x")),
                    Self.feature("b", Self.dep("a"), fields: Self.field("x", code)),
                    Self.feature("c", Self.dep("b"), fields: Self.field("x")),
                    Self.feature("d", Self.dep("c"), fields: Self.field("x", code)),
                ]
            }
            try await world.push(graph("1"))
            try await world.write("a", [("r", ["x": "1"])])
            for feature in ["b", "c", "d"] { try await world.work(feature) }
            try await world.push(graph("2"))
            // d is stale by its own code already, but what it would be made from is about to be replaced.
            for feature in ["d", "c"] { #expect(try await world.claim(feature) == nil) }
            #expect(try await world.work("b") == ["r"])
            #expect(try await world.claim("d") == nil)
            #expect(try await world.work("c") == ["r"])
            #expect(try await world.work("d") == ["r"])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("blocked records go to a worker that takes unsettled inputs, also after others found them blocked")
    func takenUnsettled() async throws {
        try await World.with { world in
            let leaf = Self.feature("leaf", Self.dep("root"), fields: Self.field("y"))
            try await world.push([Self.feature("root", fields: Self.field("x")), leaf])
            try await world.write("root", [("a", ["x": "1"])])
            try await world.push([Self.feature("root", fields: Self.field("x", "2")), leaf])
            #expect(try await world.claim("leaf") == nil)
            let batch = try await world.metaxy.claims.claim(
                ClaimRequest(
                    features: [try #require(FeatureKey("leaf"))], worker: "w", allowsUnsettledInputs: true))
            #expect(batch?.records.map { world.text($0.key) } == ["a"])
            #expect(try await world.mismatches() == [])
        }
    }

    @Test("records that wait for a root to be written again are free when its code goes back")
    func rootWentBack() async throws {
        try await World.with { world in
            let leaf = Self.feature("leaf", Self.dep("root"), fields: Self.field("y"))
            try await world.push([Self.feature("root", fields: Self.field("x")), leaf])
            try await world.write("root", [("a", ["x": "1"])])
            try await world.push([Self.feature("root", fields: Self.field("x", "2")), leaf])
            #expect(try await world.claim("leaf") == nil)
            try await world.push([Self.feature("root", fields: Self.field("x")), leaf])
            #expect(try await world.mismatches() == [])
            #expect(try await world.work("leaf") == ["a"])
        }
    }

    @Test("records are free when a push leads their inputs past what they waited for")
    func ledPast() async throws {
        try await World.with { world in
            func graph(code: String, from input: String) -> [String] {
                [
                    Self.feature("root", fields: Self.field("x", code) + "," + Self.field("z")),
                    Self.feature("other", fields: Self.field("o")),
                    Self.feature("middle", Self.dep("root"), fields: Self.field("m", from: input)),
                    Self.feature(
                        "leaf", Self.dep("middle"), Self.dep("other"),
                        fields: Self.field("y", from: "middle.m", "other.o")),
                ]
            }
            try await world.push(graph(code: "1", from: "root.x"))
            try await world.write("root", [("a", ["x": "1", "z": "1"])])
            try await world.write("other", [("a", ["o": "1"])])
            try await Self.compute(world, "middle", ["m": "same"])
            try await world.push(graph(code: "2", from: "root.x"))
            #expect(try await world.claim("leaf") == nil)
            try await world.push(graph(code: "2", from: "root.z"))
            try await Self.compute(world, "middle", ["m": "same"])
            #expect(try await world.mismatches() == [])
            #expect(try await world.work("leaf") == ["a"])
        }
    }

    @Test("a record behind an orphaned one does not wait for what the orphaned one was made from")
    func behindOrphaned() async throws {
        try await World.with { world in
            func graph(_ code: String) -> [String] {
                [
                    Self.feature("root", fields: Self.field("x", code)),
                    Self.feature("other", fields: Self.field("o")),
                    Self.feature("middle", Self.dep("root"), Self.dep("other"), fields: Self.field("m")),
                    Self.feature("leaf", Self.dep("middle"), fields: Self.field("y")),
                ]
            }
            try await world.push(graph("1"))
            try await world.write("root", [("a", ["x": "1"])])
            try await world.write("other", [("a", ["o": "1"])])
            try await world.work("middle")
            try await world.delete("other", "id = 'a'")
            try await world.push(graph("2"))
            #expect(try await world.resolve("middle") == [.orphaned: ["a"]])
            #expect(try await world.resolve("leaf") == [.new: ["a"]])
            #expect(try await world.work("leaf") == ["a"])
        }
    }

    @Test("a record is free when deleting another input orphans the one behind which it waited")
    func orphanedMeanwhile() async throws {
        try await World.with { world in
            func graph(_ code: String) -> [String] {
                [
                    Self.feature("root", fields: Self.field("x", code)),
                    Self.feature("other", fields: Self.field("o")),
                    Self.feature("middle", Self.dep("root"), Self.dep("other"), fields: Self.field("m")),
                    Self.feature("leaf", Self.dep("middle"), fields: Self.field("y")),
                ]
            }
            try await world.push(graph("1"))
            try await world.write("root", [("a", ["x": "1"])])
            try await world.write("other", [("a", ["o": "1"])])
            try await world.work("middle")
            try await world.push(graph("2"))
            #expect(try await world.claim("leaf") == nil)
            try await world.delete("other", "id = 'a'")
            #expect(try await world.mismatches() == [])
            #expect(try await world.work("leaf") == ["a"])
        }
    }
}
