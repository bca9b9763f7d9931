// Writing and listing records.

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
        let outcome =
            if shape.isRoot, try call.head.mediaType(among: [.json, .ndjson]) == .ndjson {
                try await write(lines: call.request.body, to: shape, writer)
            } else {
                try await write(try await call.bulk(idColumns: shape.idColumns), to: shape, writer)
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

    private func write(
        _ bulk: Bulk, to shape: RowShape, _ writer: Writer
    ) async throws(Problem) -> WriteOutcome {
        var bulk = bulk
        try bulk.finishMembers()
        guard let rows = bulk.rows else { throw Problem(.validationFailed, .pointer("/records"), "is missing") }
        return try await served { () async throws(ServiceError) in
            try await metaxy.write(rows, shape: shape, writer: writer)
        }
    }

    /// Writes lines to a root while they come in.
    private func write(
        lines body: RequestBody, to shape: RowShape, _ writer: Writer
    ) async throws(Problem) -> WriteOutcome {
        var lines = LineReader(RowReader(idColumns: shape.idColumns, into: PartSink(shape)))
        var problem: Problem?
        do throws(ServiceError) {
            return try await metaxy.write(to: shape, writer: writer) { () async throws(ServiceError) in
                do throws(Problem) {
                    return try await lines.nextPart(body)
                } catch {
                    problem = error
                    throw .cancelled
                }
            }
        } catch {
            throw problem ?? Problem(error)
        }
    }

    /// `GET /v1/records/{key}`.
    func listRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let includesDeleted = try call.query.flag("include_deleted")
        let columns = call.query["columns"].map { Set($0.split(separator: ",").map(String.init)) }
        let filters = try call.query.filters()
        let fingerprint = CursorFingerprint(
            "records", key.description, String(includesDeleted), call.query["columns"],
            filters.map(\.text).joined(separator: "\n"))
        let position = try call.query.cursor(fingerprint)?.number ?? -1
        let list = RecordList(
            metaxy: metaxy, key: key, includesDeleted: includesDeleted, filters: filters, columns: columns)
        if try call.head.preferred(among: [.json, .ndjson]) == .ndjson {
            return try await stream(call, list, after: position)
        }
        let page = try await list.page(after: position, limit: try call.query.limit())
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", page.plan.featureVersion)
                writer.array("records", page.records) { writer, record in
                    writer.record(record, page.plan, columns: columns)
                }
                writer.member("next_cursor", page.next.map { Cursor.text(.number($0), fingerprint) })
            })
    }

    private func stream(
        _ call: Call, _ list: RecordList, after position: RecordID
    ) async throws(Problem) -> Response {
        let first = try await list.page(after: position, limit: Bounds.streamRowsMax)
        return streamLines(call, first: first) { page, lines in
            for record in page.records {
                lines.record(record, page.plan, columns: list.columns)
                lines.endLine()
            }
        } next: { (page: RecordPage) async throws(Problem) -> RecordPage? in
            guard let next = page.next else { return nil }
            return try await list.page(after: next, limit: Bounds.streamRowsMax)
        }
    }
}

/// A list of records that a client asked for.
private struct RecordList: Sendable {
    let metaxy: Metaxy
    let key: FeatureKey
    let includesDeleted: Bool
    let filters: [Filter]
    let columns: Set<String>?

    func page(after position: RecordID, limit: Int) async throws(Problem) -> RecordPage {
        var query = RecordQuery(feature: key, limit: limit)
        query.after = position
        query.includesDeleted = includesDeleted
        query.filters = filters
        let asked = query
        return try await served { () async throws(ServiceError) in try await metaxy.records(asked) }
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

extension JSONWriter {
    /// Writes a record as it stands.
    ///
    /// - Parameter columns: the metadata columns that are wanted, nil for all.
    fileprivate mutating func record(_ record: StoredRecord, _ plan: FeaturePlan, columns: Set<String>?) {
        beginObject()
        ids(plan.spec.idColumns, record.key)
        for column in record.columns where columns?.contains(column.name) ?? true {
            member(column.name, raw: column.value)
        }
        versions("metaxy_provenance_by_field", record.provenance)
        member("metaxy_provenance", record.recordProvenance)
        versions("metaxy_data_version_by_field", record.dataVersion)
        member("metaxy_data_version", record.recordDataVersion)
        member("metaxy_feature_version", record.featureVersion)
        endObject()
    }
}
