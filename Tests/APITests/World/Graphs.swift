// The graph that tests push.

import JSON

/// A root with two fields, and a feature that uses one of them.
enum Graphs {
    static let raw = """
        {"key":"video/raw","id_columns":["video_id"],"fields":[{"key":"audio","code_version":"1"},\
        {"key":"frames","code_version":"1"}]}
        """
    static let faces = """
        {"key":"video/faces","id_columns":["video_id"],"deps":[{"feature":"video/raw"}],"fields":[{"key":"faces",\
        "code_version":"1","deps":[{"feature":"video/raw","fields":["frames"]}]}]}
        """
    static let push = push([raw, faces])
    static let rows = """
        {"video_id":"v1","path":"s3://b/v1.mp4","metaxy_provenance_by_field":{"audio":"a1","frames":"f1"}}
        {"video_id":"v2","path":"s3://b/v2.mp4","metaxy_provenance_by_field":{"audio":"a2","frames":"f2"}}

        """

    /// The body of a push.
    static func push(_ specs: [String]) -> String {
        #"{"project":"demo","message":"first","tags":{"commit":"abc"},"features":["#
            + specs.map { #"{"spec":\#($0)}"# }.joined(separator: ",") + "]}"
    }
}

extension World {
    /// Pushes the graph and writes two records of the root.
    func prepare() async throws {
        _ = try await post("/v1/push", Graphs.push)
        _ = try await postLines("/v1/records/video/raw", Graphs.rows)
    }

    /// Claims all work on the derived feature.
    func claim() async throws -> (id: Int64, token: Int64) {
        let claim = try await post("/v1/claims", #"{"feature":"video/faces","worker":"gpu-7"}"#).json
        guard let id = claim["claim_id"]?.number, let token = claim["token"]?.number else { throw NothingClaimed() }
        return (id, token)
    }
}

/// There was no work to claim.
struct NothingClaimed: Error {}
