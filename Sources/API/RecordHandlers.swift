// Writing records.

import Feature
import HTTP
import JSON
import Service
import Store

extension API {
    /// `POST /v1/records/{key}`.
    func writeRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let materialization = try call.materialization()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.shape(of: key) }
        let writer = call.writer(materialization: materialization)
        let isLines = try call.head.mediaType(among: [.json, .ndjson]) == .ndjson
        if isLines && shape.isRoot { return try await write(lines: call, to: shape, writer) }
        var bulk = try await call.bulk(RowReader(idColumns: shape.idColumns), list: "records")
        try bulk.finishMembers()
        guard let rows = bulk.elements else { throw Problem(.validationFailed, .pointer("/records"), "is missing") }
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.write(rows, shape: shape, writer: writer)
        } answer: {
            Self.answer($0, key)
        }
    }

    private static func answer(_ outcome: WriteOutcome, _ key: FeatureKey) -> Response {
        .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", outcome.featureVersion)
                writer.member("written", outcome.new + outcome.changed)
                writer.member("new", outcome.new)
                writer.member("changed", outcome.changed)
                writer.member("unchanged", outcome.unchanged)
            })
    }

    /// Writes lines to a root while they come in.
    private func write(lines call: Call, to shape: RowShape, _ writer: Writer) async throws(Problem) -> Response {
        var lines = LineReader(RowReader(idColumns: shape.idColumns, into: PartSink(shape)))
        var problem: Problem?
        do throws(Problem) {
            return try await once(call) { () async throws(ServiceError) in
                try await metaxy.write(to: shape, writer: writer) { () async throws(ServiceError) in
                    do throws(Problem) {
                        return try await lines.nextPart(call.request.body)
                    } catch {
                        problem = error
                        throw .cancelled
                    }
                }
            } answer: {
                Self.answer($0, shape.key)
            }
        } catch {
            throw problem ?? error
        }
    }
}

extension Call {
    /// The orchestrator's run that the query names.
    func materialization() throws(Problem) -> String? {
        guard let text = query["materialization_id"] else { return nil }
        guard text.utf8.count <= Bounds.materializationBytesMax else {
            throw query.refusal("materialization_id", "has more than \(Bounds.materializationBytesMax) bytes")
        }
        return text
    }
}

extension Bulk {
    /// Ends the reading of what came beside the records.
    mutating func finishMembers() throws(Problem) { try members.finish() }
}
