// Pushing a project's graph.

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
        var members = try await call.document()
        let project = ProjectName.read(&members)
        let features = Self.features(&members)
        let message = members.string("message", bytesMax: RequestLimits.messageBytesMax)
        let tags = Self.tags(&members)
        try members.finish()
        try call.require(project: project)
        let push = GraphPush(
            project: project, features: features, message: message, tags: tags, expectedVersion: expected,
            isDryRun: isDryRun)
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.push(push, writer: call.writer())
        } answer: { (outcome: PushOutcome) in
            let status: Status = outcome.wasPushed || isDryRun ? .ok : .created
            return Response.json(Self.document(outcome, project: project), status: status)
                .with("ETag", EntityTag.text(outcome.projectVersion))
        }
    }

    private static func features(_ members: inout Members) -> [(spec: FeatureSpec, schema: JSONValue?)] {
        guard let value = members.required("features") else { return [] }
        guard let elements = value.arrayValue else {
            members.refuse("features", "expected an array, found \(value.kind)")
            return []
        }
        var features: [(spec: FeatureSpec, schema: JSONValue?)] = []
        for (index, element) in elements.enumerated() {
            let pointer = JSONPointer.root.appending("features").appending(index)
            guard let object = element.objectValue else {
                members.refuse("features/\(index)", "expected an object with \"spec\", found \(element.kind)")
                continue
            }
            if let zero = element.zeroPointer(from: pointer) {
                members.refuse([Fault(.pointer(zero.description), FaultText.zero)])
                continue
            }
            for name in object.keys where name != "spec" && name != "schema" {
                members.refuse([
                    Fault(.pointer(pointer.appending(name).description), "unknown member; known are spec, schema")
                ])
            }
            guard let json = object["spec"] else {
                members.refuse("features/\(index)/spec", "is missing")
                continue
            }
            do throws(SpecProblems) {
                let spec = try FeatureSpec(json: json, at: pointer.appending("spec"))
                let schema = object["schema"].flatMap { $0.kind == .null ? nil : $0 }
                features.append((spec, schema))
            } catch {
                members.refuse(error.problems.map { Fault(.pointer($0.pointer.description), $0.detail) })
            }
        }
        refuseRepeated(features.map(\.spec.key), &members)
        return features
    }

    private static func refuseRepeated(_ keys: [FeatureKey], _ members: inout Members) {
        // Positions are those of the body only while every feature before could be read.
        guard members.faults.isEmpty else { return }
        var seen: Set<FeatureKey> = []
        for (index, key) in keys.enumerated() where !seen.insert(key).inserted {
            members.refuse("features/\(index)/spec/key", "a second feature \"\(key)\"")
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

/// The name of a project.
enum ProjectName {
    /// Reads the member `project`.
    static func read(_ members: inout Members) -> String {
        let name = members.requiredString("project", bytesMax: RequestLimits.nameBytesMax)
        if let fault = fault(in: name) { members.refuse("project", fault) }
        return name
    }

    /// What is wrong with a name: it has to stand in a path as one segment.
    static func fault(in name: String) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) { return "the name of a project has no \"/\"" }
        if name == "." || name == ".." { return "the name of a project is not \".\" or \"..\"" }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            return "the name of a project has no control character"
        }
        return name.utf8.count > RequestLimits.nameBytesMax ? "the name of a project has at most 255 bytes" : nil
    }
}

extension JSONValue {
    /// Where the first string with U+0000 stands, or the first number that the database cannot hold.
    func zeroPointer(from pointer: JSONPointer) -> JSONPointer? {
        switch self {
        case .string(let text): return text.utf8.contains(0) ? pointer : nil
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if let found = element.zeroPointer(from: pointer.appending(index)) { return found }
            }
            return nil
        case .object(let object):
            for member in object {
                if member.name.utf8.contains(0) { return pointer }
                if let found = member.value.zeroPointer(from: pointer.appending(member.name)) { return found }
            }
            return nil
        case .null, .bool, .integer, .bigInteger, .double: return nil
        }
    }
}
