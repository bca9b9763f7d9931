// The main job over HTTP, with the exact shapes of the contract.

import HTTP
import JSON
import Testing

@Suite("The main job over HTTP")
struct StoryTests {
    static let graph = """
        {"project":"demo","message":"first","tags":{"commit":"abc"},"features":[\
        {"spec":{"key":"video/raw","id_columns":["video_id"],"fields":[\
        {"key":"audio","code_version":"1"},{"key":"frames","code_version":"1"}]}},\
        {"spec":{"key":"video/faces","id_columns":["video_id"],"deps":[{"feature":"video/raw"}],\
        "fields":[{"key":"faces","code_version":"1","deps":[{"feature":"video/raw","fields":["frames"]}]}]}}]}
        """
    static let rows = """
        {"video_id":"v1","path":"s3://b/v1.mp4","metaxy_provenance_by_field":{"audio":"a1","frames":"f1"}}
        {"video_id":"v2","path":"s3://b/v2.mp4","metaxy_provenance_by_field":{"audio":"a2","frames":"f2"}}

        """

    @Test("smoke")
    func smoke() async throws {
        try await World.with { world in
            var a = try await world.post("/v1/push", Self.graph)
            print(a.status, a.text)
            a = try await world.post("/v1/push", Self.graph)
            print(a.status, a.text)
            a = try await world.postLines("/v1/records/video/raw", Self.rows)
            print(a.status, a.text)
            a = try await world.get("/v1/records/video%2Fraw")
            print(a.status, a.text)
            a = try await world.post("/v1/resolve/video/faces", "{}")
            print(a.status, a.text)
            a = try await world.send("POST", "/v1/resolve/video/faces", headers: [("Accept", "application/x-ndjson")])
            print(a.status, a.text)
            a = try await world.post("/v1/claims", #"{"feature":"video/faces","worker":"gpu-7"}"#)
            print(a.status, a.text)
            let token = try #require(try a.json["token"])
            let t = if case .integer(let x) = token { x } else { Int64(0) }
            a = try await world.post("/v1/claims/1/heartbeat", #"{"token":\#(t)}"#)
            print(a.status, a.text)
            a = try await world.post(
                "/v1/claims/1/complete", #"{"token":\#(t),"records":[{"video_id":"v1","faces":12}],"seconds":3.5}"#)
            print(a.status, a.text)
            a = try await world.post(
                "/v1/claims/1/fail", #"{"token":\#(t),"error":"boom"}"#)
            print(a.status, a.text)
            a = try await world.get("/v1/claims/1")
            print(a.status, a.text)
            a = try await world.get("/v1/claims")
            print(a.status, a.text)
            a = try await world.get(#"/v1/lineage/video/faces?id=%7B%22video_id%22:%22v1%22%7D"#)
            print(a.status, a.text)
            a = try await world.get(#"/v1/explain/video/faces?id=%7B%22video_id%22:%22v2%22%7D"#)
            print(a.status, a.text)
            for path in ["/livez?verbose", "/readyz?verbose", "/metrics", "/nope", "/v1/push"] {
                a = try await world.get(path)
                print(a.status, a.text, a.headers.map { "\($0.name)=\($0.value)" })
            }
        }
    }
}
