// History dropped on request, as a client sees it.

import Foundation
import HTTP
import JSON
import Testing

@testable import API

@Suite("Retention by request")
struct RetentionTests {
    private static func write(_ world: World, _ version: String) async throws {
        let row = #"{"id":"a","metaxy_provenance_by_field":{"x":"\#(version)"}}"#
        #expect(try await world.post("/v1/records/root", #"{"records":[\#(row)]}"#).status == 200)
    }

    private static func retain(_ world: World, _ body: String) async throws -> Answer {
        try await world.post("/v1/admin/retention", body)
    }

    /// Runs `body` over a root with three versions of one record, of which a leaf was made from the first.
    private static func withHistory(_ body: (World) async throws -> Void) async throws {
        try await World.with { world in
            let push = """
                {"project":"p","features":[
                {"spec":{"key":"root","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},
                {"spec":{"key":"leaf","id_columns":["id"],"deps":[{"feature":"root"}],"fields":[{"key":"y"}]}}]}
                """
            #expect(try await world.post("/v1/push", push).status == 201)
            try await write(world, "1")
            let claim = try await world.post("/v1/claims", #"{"feature":"leaf","worker":"w","limit":1}"#).json
            let (id, token) = (claim["claim_id"]?.number ?? 0, claim["token"]?.number ?? 0)
            let done = try await world.post(
                "/v1/claims/\(Int(id))/complete", #"{"token":\#(Int(token)),"records":[{"id":"a"}]}"#)
            #expect(done.status == 200)
            for version in ["2", "3", "4"] { try await write(world, version) }
            try await body(world)
        }
    }

    @Test("the answer counts; then lists say that versions may be missing, and moments before are 410")
    func counts() async throws {
        try await Self.withHistory { world in
            let versions = try await world.get("/v1/records/root?history=true").json
            #expect(versions["horizon"] == nil && versions["records"]?.arrayValue?.count == 4)
            let second = try #require(versions["records"]?.arrayValue?[1]["metaxy_updated_at"]?.stringValue)
            let dry = try await Self.retain(world, #"{"feature":"root","keep_versions":1,"dry_run":true}"#)
            let done = try await Self.retain(world, #"{"feature":"root","keep_versions":1}"#)
            #expect(dry.text == done.text.replacing(#""dry_run":false"#, with: #""dry_run":true"#))
            let (dropped, kept) = (try done.json["dropped"]?.number, try done.json["kept"]?.number)
            #expect(dropped == 2 && kept == 2)
            let horizon = try #require(try done.json["horizon"]?.stringValue)
            let again = try await Self.retain(world, #"{"feature":"root","keep_days":0}"#).json
            #expect(again["dropped"]?.number == 0 && again["horizon"]?.stringValue == horizon)

            let left = try await world.get("/v1/records/root?history=true")
            #expect(try left.json["horizon"]?.stringValue == horizon)
            #expect(try left.json["records"]?.arrayValue?.count == 2)
            let lines = try await world.get(
                "/v1/records/root?history=true", headers: [("Accept", "application/x-ndjson")])
            #expect(lines.headers["Metaxy-Horizon"] == horizon)
            #expect(try await world.get("/v1/records/root").json["horizon"] == nil)
            for path in [
                "/v1/records/root?as_of=\(second)", "/v1/lineage/root?id=%7B%22id%22:%22a%22%7D&as_of=\(second)",
            ] {
                let refused = try await world.get(path)
                try expectProblem(refused, 410, "history_dropped")
                #expect(refused.text.contains(horizon))
            }
            let trace = try await world.get("/v1/lineage/leaf?id=%7B%22id%22:%22a%22%7D").json
            #expect(trace["nodes"]?.arrayValue?.count == 2)
            #expect(trace["thinned"]?.arrayValue?.first?["feature"]?.stringValue == "root")
            #expect(trace["thinned"]?.arrayValue?.first?["dropped"]?.arrayValue?.isEmpty == true)
            let audit = try await world.get("/v1/admin/audit").json["changes"]?.arrayValue?.first
            #expect(audit?["kind"]?.stringValue == "history_dropped" && audit?["feature"]?.stringValue == "root")
        }
    }

    @Test(
        "what makes no sense is refused, says where, and drops nothing",
        arguments: [
            (#"{"feature":"root"}"#, 422, "validation_failed"),
            (#"{"feature":"root","keep_versions":0}"#, 422, "validation_failed"),
            (#"{"feature":"root","keep_days":-1}"#, 422, "validation_failed"),
            (#"{"feature":"root","keep_days":1.5}"#, 422, "validation_failed"),
            (#"{"feature":"root","keep_days":"1"}"#, 422, "validation_failed"),
            (#"{"feature":"root","keep":1}"#, 422, "validation_failed"),
            (#"{"keep_days":0}"#, 422, "validation_failed"),
            (#"{"feature":"nope","keep_days":0}"#, 404, "feature_not_found"),
        ])
    func refused(body: String, status: UInt16, code: String) async throws {
        try await Self.withHistory { world in
            try expectProblem(try await Self.retain(world, body), status, code)
            #expect(try await world.get("/v1/records/root?history=true").json["records"]?.arrayValue?.count == 4)
        }
    }
}
