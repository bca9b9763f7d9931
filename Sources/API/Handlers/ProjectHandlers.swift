// Projects, their settings and their history.

import Feature
import HTTP
import JSON
import Service
import Store

/// Lists, describes and configures projects.
struct ProjectHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `GET /v1/projects`.
    func listProjects(_ call: Call) async throws(Problem) -> Response {
        let fingerprint = CursorFingerprint("projects")
        let after = try call.query.nameCursor(fingerprint)
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.graph.projects(after: after, limit: limit)
        }
        let next = page.hasMore ? page.projects.last?.project.name : nil
        return .json(
            JSONWriter.document { writer in
                writer.array("projects", page.projects) { writer, project in
                    writer.beginObject()
                    writer.project(project)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.name($0), fingerprint) })
            })
    }

    /// `GET /v1/projects/{project}`.
    func getProject(_ call: Call) async throws(Problem) -> Response {
        let project = try await served { () async throws(ServiceError) in
            try await metaxy.graph.project(call.part("project"))
        }
        guard let version = project.project.version else { return .json(JSONWriter.document { $0.project(project) }) }
        if EntityTag.isKnown(version, call.head) {
            return Response(status: .notModified, headers: ["ETag": EntityTag.text(version)])
        }
        return Response.json(JSONWriter.document { $0.project(project) }).with("ETag", EntityTag.text(version))
    }

    /// `PUT /v1/projects/{project}`.
    func putProject(_ call: Call) async throws(Problem) -> Response {
        let name = call.part("project")
        if let fault = ProjectName.fault(in: name) {
            throw Problem(.invalidParameter, .parameter("project"), fault)
        }
        try call.require(project: name)
        var members = try await call.document()
        let algorithm = members.choice("hash_algorithm", HashAlgorithm.self)
        let truncation = members.count(
            "hash_truncation_length", least: RecordHash.truncationMin, most: RecordHash.truncationMax + 1)
        let cap = members.numberOrNull("max_claims", in: 0...TransactionLimits.claimsCapMax).map {
            $0.map { Int32($0) }
        }
        try members.finish()
        let outcome = try await served { () async throws(ServiceError) in
            try await metaxy.graph.configure(
                project: name, algorithm: algorithm, truncation: truncation, claimsMax: cap,
                writer: call.writer())
        }
        return .json(
            JSONWriter.document { $0.project(outcome.project) }, status: outcome.isNew ? .created : .ok)
    }

    /// `GET /v1/projects/{project}/versions`.
    func listVersions(_ call: Call) async throws(Problem) -> Response {
        let name = call.part("project")
        let fingerprint = CursorFingerprint("versions", name)
        let before = try call.query.numberCursor(fingerprint) ?? .max
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.graph.pushes(of: name, before: before, limit: limit)
        }
        let next = page.hasMore ? page.pushes.last?.id : nil
        return .json(
            JSONWriter.document { writer in
                writer.member("project", name)
                writer.array("versions", page.pushes) { writer, push in
                    writer.beginObject()
                    writer.member("project_version", push.projectVersion)
                    writer.member("pushed_at", time: push.pushedAt)
                    writer.member("message", push.message)
                    writer.member("tags", raw: push.tags)
                    writer.member("features", push.definitions.count)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.number($0), fingerprint) })
            })
    }

    /// `GET /v1/projects/{project}/diff`.
    func compareVersions(_ call: Call) async throws(Problem) -> Response {
        guard let from = call.query["from"] else { throw call.query.refusal("from", "is missing") }
        let to = call.query["to"] ?? "latest"
        let name = call.part("project")
        let difference = try await served { () async throws(ServiceError) in
            try await metaxy.graph.difference(of: name, from: from, to: to)
        }
        return .json(
            JSONWriter.document { writer in
                writer.member("project", name)
                writer.member("from", difference.from)
                writer.member("to", difference.to)
                writer.array("features", difference.features) { writer, feature in writer.difference(feature) }
            })
    }
}

extension JSONWriter {
    fileprivate mutating func project(_ summary: ProjectSummary) {
        let project = summary.project
        member("project", project.name)
        member("hash_algorithm", project.hash.algorithm.rawValue)
        member("hash_truncation_length", project.hash.truncation)
        member("max_claims", bound: project.claimsMax)
        member("project_version", project.version)
        member("created_at", time: project.createdAt)
        member("features", summary.features)
    }

    fileprivate mutating func difference(_ difference: FeatureDifference) {
        beginObject()
        member("key", difference.key.description)
        member("change", difference.change.rawValue)
        moved("feature_version", difference.before?.featureVersion, difference.after?.featureVersion)
        moved("definition_version", difference.before?.definitionVersion, difference.after?.definitionVersion)
        object("fields") { writer in
            let before = Dictionary((difference.before?.fields ?? []).map { ($0.key, $0) }) { first, _ in first }
            let after = Dictionary((difference.after?.fields ?? []).map { ($0.key, $0) }) { first, _ in first }
            for key in Set(before.keys).union(after.keys).sorted() where before[key] != after[key] {
                writer.object(key.description) { writer in
                    let change: FeatureChange =
                        before[key] == nil ? .added : after[key] == nil ? .removed : .changed
                    writer.member("change", change.rawValue)
                    writer.moved("version", before[key]?.version, after[key]?.version)
                    writer.moved("code_version", before[key]?.codeVersion, after[key]?.codeVersion)
                }
            }
        }
        endObject()
    }

    /// Writes what something was and what it is; null where it was not or is not.
    private mutating func moved(_ name: String, _ from: String?, _ to: String?) {
        object(name) { writer in
            writer.member("from", from)
            writer.member("to", to)
        }
    }
}
