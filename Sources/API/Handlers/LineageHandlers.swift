// Tracing and explaining records.

import Feature
import HTTP
import JSON
import Service
import Store

/// Traces and explains records.
struct LineageHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/lineage/{key}`.
    func postLineage(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.records.shape(of: key) }
        var members = try await call.document()
        var query = TraceQuery(feature: key, key: RecordKey([]))
        if let id = members.required("id") {
            switch RecordKey.read(id, columns: shape.idColumns, at: "/id") {
            case .success(let id): query.key = id
            case .failure(let faulty): members.refuse(faulty.faults)
            }
        }
        if let direction = members.choice("direction", TraceDirection.self) { query.direction = direction }
        if let depth = members.count("depth", least: 0, most: TransactionLimits.traceDepthMax) { query.depth = depth }
        query.asOf = members.time("as_of")
        try members.finish()
        return try await trace(query)
    }

    /// `GET /v1/lineage/{key}`.
    func getLineage(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.records.shape(of: key) }
        var query = TraceQuery(feature: key, key: try call.id(shape.idColumns))
        if let direction = try call.query.choice("direction", TraceDirection.self) { query.direction = direction }
        if let depth = try call.query.count("depth", least: 0, most: TransactionLimits.traceDepthMax) {
            query.depth = depth
        }
        query.asOf = try call.query.time("as_of")
        return try await trace(query)
    }

    /// `GET /v1/explain/{key}`.
    func explain(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.records.shape(of: key) }
        let id = try call.id(shape.idColumns)
        let explanation = try await served { () async throws(ServiceError) in
            try await metaxy.increments.explain(key, id)
        }
        return .json(JSONWriter.document { $0.explanation(explanation) })
    }

    private func trace(_ query: TraceQuery) async throws(Problem) -> Response {
        let trace = try await served { () async throws(ServiceError) in try await metaxy.history.trace(query) }
        return .json(
            JSONWriter.document { writer in
                writer.array("nodes", trace.nodes) { writer, node in writer.node(node) }
                writer.array("edges", trace.edges) { writer, edge in
                    writer.beginObject()
                    writer.member("from", edge.from)
                    writer.member("to", edge.to)
                    writer.object("fields") { writer in
                        for (field, inputs) in edge.fields.sorted(by: { $0.key < $1.key }) {
                            writer.member(field, inputs)
                        }
                    }
                    writer.endObject()
                }
                guard !trace.thinned.isEmpty else { return }
                writer.array("thinned", trace.thinned) { writer, thinned in
                    writer.beginObject()
                    writer.member("feature", thinned.feature.description)
                    writer.member("horizon", time: thinned.horizon)
                    writer.array("dropped", thinned.dropped) { $0.integer($1) }
                    writer.endObject()
                }
            })
    }
}

extension Call {
    /// The record that the parameter `id` names: a JSON object of its id columns.
    fileprivate func id(_ columns: [String]) throws(Problem) -> RecordKey {
        guard let text = query["id"] else { throw query.refusal("id", "is missing") }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw query.refusal("id", "expected a JSON object of the id columns; \(error)")
        }
        switch RecordKey.read(json, columns: columns, at: .root) {
        case .success(let key): return key
        case .failure(let faulty):
            let faults = faulty.faults.map { fault in
                guard case .pointer(let pointer) = fault.place, !pointer.isEmpty else { return fault.detail }
                return "\(pointer.dropFirst()): \(fault.detail)"
            }
            throw query.refusal("id", faults.joined(separator: "; "))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func node(_ node: TraceNode) {
        let entry = node.entry
        beginObject()
        member("entry", entry.entry)
        member("feature", node.feature.description)
        object("id") { writer in
            for column in node.id {
                writer.key(column.column)
                writer.id(column.value)
            }
        }
        member("feature_version", node.featureVersion)
        versions("provenance_by_field", node.provenance)
        versions("data_version_by_field", node.dataVersion)
        member("written_at", time: entry.writtenAt)
        member("worker", entry.writer.worker)
        key("claim_id")
        if let claim = entry.claim { integer(claim) } else { null() }
        member("materialization_id", entry.writer.materialization)
        member("deleted", entry.kind == .deleted)
        endObject()
    }

    fileprivate mutating func explanation(_ explanation: Explanation) {
        member("state", explanation.state)
        object("fields") { writer in
            for field in explanation.fields {
                writer.object(field.structKey) { writer in
                    writer.member("expected", field.expected)
                    writer.member("current", field.current)
                    writer.array("causes", field.causes) { writer, cause in writer.cause(cause) }
                }
            }
        }
        array("blocked_by", explanation.blockedBy) { writer, blocker in
            writer.beginObject()
            writer.member("feature", blocker.feature.description)
            writer.object("id") { $0.ids(blocker.columns, blocker.key) }
            writer.endObject()
        }
        guard let failure = explanation.failure else { return member("failure", String?.none) }
        object("failure") { $0.failure(failure) }
    }

    private mutating func cause(_ cause: FieldCause) {
        beginObject()
        switch cause {
        case .upstream(let feature, let field, let from, let to, let entry):
            member("kind", "upstream")
            member("feature", feature.description)
            member("field", field?.description)
            member("from", from)
            member("to", to)
            key("entry")
            if let entry { integer(entry) } else { null() }
        case .code(let from, let to):
            member("kind", "code")
            member("from", from)
            member("to", to)
        case .definition: member("kind", "definition")
        case .missing: member("kind", "missing")
        }
        endObject()
    }
}
