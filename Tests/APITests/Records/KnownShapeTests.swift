// Rows are read by what this process knows of their feature, and by what is so where that is out of date.

import Feature
import JSON
import Service
import Testing

@Suite("What a process knows of a feature")
struct KnownShapeTests {
    private static func root(_ field: String) -> String {
        #"{"key":"root","id_columns":["id"],"fields":[{"key":"\#(field)","code_version":"1"}]}"#
    }

    private static func body(_ field: String, of id: String) -> String {
        #"{"records":[{"id":"\#(id)","metaxy_provenance_by_field":{"\#(field)":"v"}}]}"#
    }

    /// Pushes from another process, of which the one under test hears nothing before its next transaction.
    private static func push(_ specs: [String], _ world: World) async throws {
        let features = try specs.map { text in
            (spec: try FeatureSpec(json: try JSONValue(parsing: Array(text.utf8)), at: ""), schema: JSONValue?.none)
        }
        _ = try await Metaxy(pool: world.pool, random: { 0.5 }).graph.push(GraphPush(project: "p", features: features))
    }

    @Test("rows of a feature that another process redefined are taken by its definition of now")
    func redefined() async throws {
        try await World.with { world in
            try await Self.push([Self.root("x")], world)
            #expect(try await world.post("/v1/records/root", Self.body("x", of: "a")).status == 200)
            try await Self.push([Self.root("y")], world)
            #expect(world.metaxy.records.knownShape(of: try #require(FeatureKey("root")))?.fields == ["x"])
            #expect(try await world.post("/v1/records/root", Self.body("y", of: "b")).status == 200)
            try await Self.push([Self.root("z")], world)
            let refused = try await world.post("/v1/records/root", Self.body("y", of: "c"))
            #expect(refused.status == 422)
            #expect(refused.text.contains("metaxy_provenance_by_field") && refused.text.contains("\\\"y\\\""))
            #expect(try await world.text("SELECT count(*)::text FROM lineage") == "2")
        }
    }

    @Test("rows that fit only what a feature was are refused, though this process knows no better")
    func outdated() async throws {
        try await World.with { world in
            try await Self.push([Self.root("x")], world)
            #expect(try await world.post("/v1/records/root", Self.body("x", of: "a")).status == 200)
            try await Self.push([Self.root("y")], world)
            let refused = try await world.post("/v1/records/root", Self.body("x", of: "b"))
            #expect(refused.status == 422)
            try await Self.push([], world)
            #expect(try await world.post("/v1/records/root", Self.body("y", of: "b")).status == 404)
            #expect(try await world.text("SELECT count(*)::text FROM lineage") == "1")
        }
    }

    @Test("a feature that became a derived one takes rows without versions")
    func derived() async throws {
        try await World.with { world in
            let other = Self.root("x").replacing("\"root\"", with: "\"other\"")
            try await Self.push([Self.root("x"), other], world)
            #expect(try await world.post("/v1/records/root", Self.body("x", of: "a")).status == 200)
            let spec = Self.root("x").replacing("\"fields\"", with: #""deps":[{"feature":"other"}],"fields""#)
            try await Self.push([spec, other], world)
            #expect(try await world.post("/v1/records/other", Self.body("x", of: "a")).status == 200)
            let answer = try await world.post("/v1/records/root", #"{"records":[{"id":"a"}]}"#)
            #expect(answer.status == 200, "\(answer.text)")
        }
    }
}
