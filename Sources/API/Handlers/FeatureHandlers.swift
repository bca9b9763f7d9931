// Features and the graph that they make.

import Feature
import HTTP
import JSON
import Service
import Store

/// Lists and describes features and the graph that they make.
struct FeatureHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `GET /v1/features`.
    func listFeatures(_ call: Call) async throws(Problem) -> Response {
        let project = call.query["project"]
        let prefix = call.query["prefix"]
        let fingerprint = CursorFingerprint("features", project, prefix)
        let after = try call.query.nameCursor(fingerprint)
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.graph.features(project: project, prefix: prefix, after: after, limit: limit)
        }
        let next = page.hasMore ? page.features.last?.key.description : nil
        return .json(
            JSONWriter.document { writer in
                writer.array("features", page.features) { writer, feature in
                    writer.beginObject()
                    writer.summary(feature)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.name($0), fingerprint) })
            })
    }

    /// `GET /v1/features/{key}`.
    func getFeature(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let feature = try await served { () async throws(ServiceError) in try await metaxy.graph.feature(key) }
        let document = JSONWriter.document { writer in
            writer.summary(feature)
            writer.member("spec", raw: feature.definition.spec)
            writer.member("schema", raw: feature.definition.schema ?? Array("null".utf8))
        }
        // The counts move without the definition: a condition on the definition must not hide them.
        return Response.json(document).with("ETag", EntityTag.text(feature.definition.definitionVersion))
    }

    /// `GET /v1/graph`.
    func getGraph(_ call: Call) async throws(Problem) -> Response {
        let format = try call.query.choice("format", GraphFormat.self) ?? .json
        var query = GraphQuery(project: call.query["project"], feature: try call.featureParameter())
        for name in ["up", "down"] where query.feature == nil && call.query[name] != nil {
            throw call.query.refusal(name, "needs the parameter feature, from which levels are counted")
        }
        if let up = try call.query.count("up", least: 0, most: .max) { query.up = up }
        if let down = try call.query.count("down", least: 0, most: .max) { query.down = down }
        let graph = try await served { [query] () async throws(ServiceError) in try await metaxy.graph.describe(query) }
        switch format {
        case .json: return .json(JSONWriter.document { $0.graph(graph) })
        case .mermaid: return .content(.text, Array(GraphDrawing(graph).mermaid.utf8))
        case .dot: return .content(.text, Array(GraphDrawing(graph).dot.utf8))
        }
    }
}

/// How a graph is told.
enum GraphFormat: String, CaseIterable, Sendable {
    /// A JSON document.
    case json
    /// Mermaid's flowchart.
    case mermaid
    /// Graphviz' language.
    case dot
}

extension JSONWriter {
    /// Writes the members that every telling of a feature has.
    fileprivate mutating func summary(_ feature: FeatureSummary) {
        let definition = feature.definition
        member("key", feature.key.description)
        member("project", feature.project)
        member("id_columns", feature.spec.idColumns)
        member("feature_version", definition.featureVersion)
        member("definition_version", definition.definitionVersion)
        member("spec_version", definition.specVersion)
        member("code_version", definition.codeVersion)
        object("fields") { writer in
            for (field, parents) in zip(definition.fields, feature.parents) {
                writer.object(field.key.description) { writer in
                    writer.member("version", field.version)
                    writer.member("code_version", field.codeVersion)
                    writer.member("parents", parents)
                }
            }
        }
        member("upstream", feature.upstream.map(\.description))
        member("downstream", feature.downstream.map(\.description))
        if let dispatch = feature.dispatch {
            object("dispatch") { $0.dispatch(dispatch) }
        } else {
            member("dispatch", String?.none)
        }
        object("counts") { writer in
            writer.member("records", feature.counts.records)
            writer.member("deleted", feature.counts.deleted)
            writer.member("pending", feature.counts.pending)
            writer.member("claimed", feature.counts.claimed)
            writer.member("parked", feature.counts.parked)
        }
    }

    fileprivate mutating func graph(_ graph: GraphDescription) {
        array("features", graph.features) { writer, feature in
            writer.beginObject()
            writer.summary(feature)
            writer.endObject()
        }
        array("edges", graph.edges) { writer, edge in
            writer.beginObject()
            writer.end("from", edge.from)
            writer.end("to", edge.to)
            writer.endObject()
        }
    }

    private mutating func end(_ name: String, _ field: FieldReference) {
        object(name) { writer in
            writer.member("feature", field.feature.description)
            writer.member("field", field.field.description)
        }
    }
}
