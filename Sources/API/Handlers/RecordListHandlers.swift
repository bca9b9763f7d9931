// Listing records: as they are, as they were, or every version of them.

import Base
import Feature
import HTTP
import JSON
import Service

/// Lists records.
struct RecordListHandlers: Sendable {
    /// Says of a list that streams what `horizon` says of a page.
    private static let horizonField: FieldName = "Metaxy-Horizon"

    private let metaxy: Metaxy
    private let events: EventLog

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
        events = context.events
    }

    /// `GET /v1/records/{key}`.
    func listRecords(_ call: Call) async throws(Problem) -> Response {
        let list = try RecordList(call, metaxy)
        let position = try call.query.cursor(list.fingerprint)
        if let position, !list.hasPosition(position) { throw Cursor.refusal() }
        if try call.head.preferred(among: [.json, .ndjson]) == .ndjson {
            return try await stream(call, list, after: position)
        }
        let page = try await list.page(after: position, limit: try call.query.limit())
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", page.plan.key.description)
                writer.member("feature_version", page.plan.featureVersion)
                writer.array("records", page.records) { writer, record in
                    writer.record(record, page.plan, columns: list.columns)
                }
                if let horizon = page.horizon { writer.member("horizon", time: horizon) }
                writer.member("next_cursor", list.next(page).map { Cursor.text($0, list.fingerprint) })
            })
    }

    private func stream(
        _ call: Call, _ list: RecordList, after position: Cursor.Position?
    ) async throws(Problem) -> Response {
        let limit = RequestLimits.streamRowsFirst
        let first = try await list.page(after: position, limit: limit)
        var response = LineStream(call, events).pages(first: Portion(page: first, limit: limit)) { page, lines in
            for record in page.records {
                lines.record(record, page.plan, columns: list.columns)
                lines.endLine()
            }
        } next: { (page: RecordPage, limit: Int) async throws(Problem) -> RecordPage? in
            guard let next = list.next(page) else { return nil }
            return try await list.page(after: next, limit: limit)
        }
        if let horizon = first.horizon {
            response.headers.append(Self.horizonField, Timestamp(microseconds: horizon).description)
        }
        return response
    }
}

/// A list of records that a client asked for.
private struct RecordList: Sendable {
    /// What a cursor is bound to.
    let fingerprint: CursorFingerprint
    /// The metadata columns that are wanted, nil for all.
    let columns: Set<String>?
    private let metaxy: Metaxy
    private let asked: RecordQuery

    init(_ call: Call, _ metaxy: Metaxy) throws(Problem) {
        var asked = RecordQuery(feature: try call.feature(), limit: 0)
        asked.filters = try call.query.filters()
        asked.includesDeleted = try call.query.flag("include_deleted")
        asked.hasHistory = try call.query.flag("history")
        asked.featureVersion = call.query["feature_version"]
        asked.asOf = try call.query.time("as_of")
        columns = call.query["columns"].map { Set($0.split(separator: ",").map(String.init)) }
        self.metaxy = metaxy
        self.asked = asked
        fingerprint = CursorFingerprint(
            "records", asked.feature.description, "\(asked.includesDeleted) \(asked.hasHistory)",
            asked.featureVersion, asked.asOf.map(String.init), call.query["columns"],
            asked.filters.map(\.text).joined(separator: "\n"))
    }

    /// Whether a position is one of this list: a list with history has one for each version.
    func hasPosition(_ position: Cursor.Position) -> Bool {
        switch position {
        case .number: !asked.hasHistory
        case .version: asked.hasHistory
        case .name: false
        }
    }

    func page(after position: Cursor.Position?, limit: Int) async throws(Problem) -> RecordPage {
        var query = asked
        query.limit = limit
        query.after = position?.number ?? -1
        query.afterEntry = position?.version ?? 0
        return try await served { [query] () async throws(ServiceError) in try await metaxy.records.list(query) }
    }

    /// Where the page after this one begins; nil at the end.
    func next(_ page: RecordPage) -> Cursor.Position? {
        page.next.map { asked.hasHistory ? .version($0, page.nextEntry) : .number($0) }
    }
}

extension JSONWriter {
    /// Writes a version of a record as it is stored.
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
        member("metaxy_materialization_id", record.materialization)
        member("metaxy_updated_at", time: record.writtenAt)
        member("metaxy_deleted_at", time: record.isDeleted ? record.writtenAt : nil)
        endObject()
    }
}
