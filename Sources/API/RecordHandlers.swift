// Writing records.

import Feature
import HTTP
import JSON
import Service

extension API {
    /// `POST /v1/records/{key}`.
    func writeRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let materialization = try call.materialization()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.shape(of: key) }
        var bulk = try await call.bulk(RowReader(idColumns: shape.idColumns), list: "records")
        try bulk.finishMembers()
        guard let rows = bulk.elements else { throw Problem(.validationFailed, .pointer("/records"), "is missing") }
        let outcome = try await served { () async throws(ServiceError) in
            try await metaxy.write(rows, shape: shape, writer: call.writer(materialization: materialization))
        }
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", outcome.featureVersion)
                writer.member("written", outcome.new + outcome.changed)
                writer.member("new", outcome.new)
                writer.member("changed", outcome.changed)
                writer.member("unchanged", outcome.unchanged)
            })
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
