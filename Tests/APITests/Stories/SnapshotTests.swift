// A push takes the snapshot of the Metaxy library as it is.

import JSON
import Testing

@testable import API

@Suite("Snapshots of the library")
struct SnapshotTests {
    /// A snapshot as version 0.1.11 of the library returns it.
    private static let snapshot = #"""
        {"video/raw":{"feature_spec":{"key":"video/raw","id_columns":["video_id"],"deps":[],"fields":[
        {"key":"audio","code_version":"1","deps":[]},{"key":"frames","code_version":"1","deps":[]}],"metadata":{},
        "description":null},"feature_schema":{"properties":{"video_id":{"type":"string"}},"title":"Raw"},
        "metaxy_feature_version":"0b1c","metaxy_definition_version":"77aa","feature_class_path":"demo.features.Raw",
        "project":"demo"},
        "video/faces":{"feature_spec":{"key":"video/faces","id_columns":["video_id"],"deps":[{"feature":"video/raw",
        "select":null,"rename":null,"fields_mapping":{"mapping":{"type":"default","match_suffix":false,"exclude_fields":[]}},
        "sql_filters":null,"lineage":{"relationship":{"type":"1:1"}},"optional":false}],"fields":[{"key":"faces",
        "code_version":"1","deps":[{"feature":"video/raw","fields":["frames"]}]}],"metadata":{},"description":null},
        "feature_schema":{},"metaxy_feature_version":"1","metaxy_definition_version":"2",
        "feature_class_path":"demo.features.Faces","project":"demo"}}
        """#

    @Test("as the whole body and as the features of a push it gives the same project version as a list of specs")
    func forms() async throws {
        try await World.with { world in
            let pushed = try await world.post("/v1/push", Self.snapshot)
            #expect(pushed.status == 201, "\(pushed.text)")
            #expect(try pushed.json["project"]?.stringValue == "demo")
            #expect(try pushed.json["features"]?.arrayValue?.count == 2)
            let version = try pushed.json["project_version"]?.stringValue
            let named = #"{"project":"demo","message":"m","tags":{"a":1},"features":\#(Self.snapshot)}"#
            let again = try await world.post("/v1/push", named)
            #expect(again.status == 200, "\(again.text)")
            let features = try #require(try JSONValue(parsing: Array(Self.snapshot.utf8)).objectValue)
            var list: [JSONValue] = []
            for feature in features {
                let spec = try #require(feature.value["feature_spec"])
                let schema = try #require(feature.value["feature_schema"])
                list.append(.object(["spec": spec, "schema": schema]))
            }
            var writer = JSONWriter()
            writer.value(.object(["project": .string("demo"), "features": .array(list)]))
            let listed = try await world.post("/v1/push", String(decoding: writer.bytes, as: UTF8.self))
            #expect(listed.status == 200, "\(listed.text)")
            #expect(try listed.json["project_version"]?.stringValue == version)
        }
    }

    @Test(
        "one that does not hold together is refused, with a pointer to the fault",
        arguments: [
            (#""project":"demo"}}"#, #""project":"other"}}"#, "/video~1faces/project"),
            (#""project":"demo"}}"#, #""other":"demo"}}"#, "/video~1faces/project"),
            (#""video/faces":{"feature_spec""#, #""video/eyes":{"feature_spec""#, "/video~1eyes"),
            (
                #""code_version":"1","deps":[{"#, #""code_version":1,"deps":[{"#,
                "/video~1faces/feature_spec/fields/0/code_version"
            ),
        ])
    func refused(_ old: String, _ new: String, _ pointer: String) async throws {
        try await World.with { world in
            let answer = try await world.post("/v1/push", Self.snapshot.replacing(old, with: new))
            #expect(answer.status == 422, "\(answer.text)")
            let pointers = try answer.json["errors"]?.arrayValue?.compactMap { $0["pointer"]?.stringValue }
            #expect(pointers?.contains(pointer) == true, "\(answer.text)")
        }
    }
}
