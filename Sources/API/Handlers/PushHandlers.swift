// Pushing a project's graph.

import Base
import Feature
import HTTP
import JSON
import Service

/// Takes the graph of a project.
struct PushHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/push`.
    func push(_ call: Call) async throws(Problem) -> Response {
        let isDryRun = try call.query.flag("dry_run")
        let expected = try EntityTag.expected(call.head)
        var body = GraphBody(try await call.object())
        let project = body.project
        let message = body.members.string("message", bytesMax: RequestLimits.messageBytesMax)
        let tags = Self.tags(&body.members)
        try body.members.finish()
        try call.require(project: project)
        let push = GraphPush(
            project: project, features: body.features, message: message, tags: tags, expectedVersion: expected,
            isDryRun: isDryRun)
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.graph.push(push, writer: call.writer())
        } answer: { (outcome: PushOutcome) in
            let status: Status = outcome.wasPushed || isDryRun ? .ok : .created
            return Response.json(Self.document(outcome, project: project), status: status)
                .with("ETag", EntityTag.text(outcome.projectVersion))
        }
    }

    private static func tags(_ members: inout Members) -> JSONValue {
        guard let tags = members.value("tags") else { return .object(JSONObject()) }
        if tags.kind != .object { members.refuse("tags", "expected an object, found \(tags.kind)") }
        let pointer = JSONPointer.root.appending("tags")
        if let zero = tags.zeroPointer(from: pointer) {
            members.refuse([Fault(.pointer(zero.description), FaultText.zero)])
        }
        return tags
    }

    private static func document(_ outcome: PushOutcome, project: String) -> [UInt8] {
        JSONWriter.document { writer in
            writer.member("project", project)
            writer.member("project_version", outcome.projectVersion)
            writer.member("already_pushed", outcome.wasPushed)
            writer.array("features", outcome.features) { writer, feature in
                writer.beginObject()
                writer.member("key", feature.key.description)
                writer.member("feature_version", feature.featureVersion)
                writer.member("definition_version", feature.definitionVersion)
                writer.member("change", feature.change.rawValue)
                writer.object("fields") { writer in
                    for field in feature.fields {
                        writer.object(field.key.description) { writer in
                            writer.member("version", field.version)
                            writer.member("code_version", field.codeVersion)
                            writer.member("changed", field.isChanged)
                        }
                    }
                }
                writer.endObject()
            }
        }
    }
}
