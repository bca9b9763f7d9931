// Answering what has to be done.

import Feature
import HTTP
import JSON
import Service

/// Resolves increments.
struct IncrementHandlers: Sendable {
    private let metaxy: Metaxy
    private let events: EventLog

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
        events = context.events
    }

    /// `POST /v1/resolve/{key}`.
    func resolve(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let type = try call.head.preferred(among: [.json, .ndjson])
        var (members, samples) = try await question(call, key)
        let question = ResolveQuestion(key, samples, &members)
        try members.finish()
        if type == .ndjson { return try await stream(call, question) }
        let page = try await resolve(try question.query())
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", page.plan.featureVersion)
                writer.counts(page.counts)
                let records = IncrementEncoder(page.records, page.plan)
                writer.array("records", page.records.indices) { writer, index in
                    writer.beginObject()
                    records.write(index, to: &writer)
                    writer.endObject()
                }
                writer.member("next_cursor", page.next.map { Cursor.text(.number($0), question.fingerprint) })
            })
    }

    /// The body of a question. Samples are records, read by the feature's id columns.
    private func question(
        _ call: Call, _ key: FeatureKey
    ) async throws(Problem) -> (members: Members, samples: [RecordRow]?) {
        if call.request.body.declaredLength == 0 { return (Members(JSONObject()), nil) }
        _ = try call.head.mediaType(among: [.json])
        let bytes = try await call.bytes(max: RequestLimits.bulkBytesMax)
        var idColumns: [String] = []
        if bytes.hasMember("samples") {
            idColumns = try await served { () async throws(ServiceError) in try await metaxy.records.shape(of: key) }
                .idColumns
        }
        var bulk = try DocumentReader(RowReader(idColumns: idColumns), list: "samples")
            .read(bytes, others: ResolveQuestion.members).bulk
        _ = bulk.members.names("samples")
        return (bulk.members, bulk.elements)
    }

    private func resolve(_ query: IncrementQuery) async throws(Problem) -> IncrementPage {
        try await served { () async throws(ServiceError) in try await metaxy.increments.resolve(query) }
    }

    /// An increment under conditions of its own is walked page by page; any other in parts, some ahead of the client.
    private func stream(_ call: Call, _ question: ResolveQuestion) async throws(Problem) -> Response {
        var query = try question.query()
        query.countsAll = false
        let isWhole = query.restriction.isEmpty && query.samples == nil && query.after < 0
        // Each page under conditions looks at everything again: these are as large as they may be.
        query.limit = isWhole ? RequestLimits.streamRowsFirst : TransactionLimits.pageRowsMax
        let first = try await resolve(query)
        guard isWhole else { return stream(call, query, first, wantedBytes: nil) }
        // What was there first tells how long the rows are. Long ones go page by page: parts are not cut that small.
        var sample = JSONWriter()
        Self.write(first, to: &sample)
        let units = RequestLimits.partBytes * first.records.count / max(sample.bytes.count, 1)
        guard first.next != nil, units >= TransactionLimits.partUnitsMin else {
            return stream(call, query, first, wantedBytes: RequestLimits.partBytes)
        }
        let parts = try await served { () async throws(ServiceError) in
            try await metaxy.increments.parts(ofIncrement: query.feature, units: units)
        }
        return try await LineStream(call, events).parts(parts.count, write: Self.write) {
            [query] (part) async throws(Problem) -> IncrementPage in
            var following = query
            following.part = parts[part]
            return try await resolve(following)
        }
    }

    /// The pages of an increment, one after the other.
    private func stream(
        _ call: Call, _ query: IncrementQuery, _ first: IncrementPage, wantedBytes: Int?
    ) -> Response {
        let portion = Portion(page: first, limit: query.limit, wantedBytes: wantedBytes)
        return LineStream(call, events).pages(first: portion, write: Self.write) {
            (page: IncrementPage, limit: Int) async throws(Problem) -> IncrementPage? in
            guard let next = page.next else { return nil }
            var following = query
            (following.after, following.limit) = (next, limit)
            return try await resolve(following)
        }
    }

    private static func write(_ page: IncrementPage, to lines: inout JSONWriter) {
        let records = IncrementEncoder(page.records, page.plan)
        for index in page.records.indices {
            lines.beginObject()
            records.write(index, to: &lines)
            lines.endObject()
            lines.endLine()
        }
    }
}

extension [UInt8] {
    /// Whether this is a JSON object with a member of this name; false for what is no JSON, which its reader refuses.
    fileprivate func hasMember(_ name: String) -> Bool {
        var reader = JSONReader(self)
        do {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                if reader.string(key) == name { return true }
                _ = try reader.skipValue()
            }
        } catch {
            return false
        }
        return false
    }
}

extension JSONWriter {
    /// Writes the member `counts`; null on pages after the first.
    fileprivate mutating func counts(_ counts: IncrementCounts?) {
        guard let counts else { return member("counts", String?.none) }
        object("counts") { writer in
            for kind in IncrementKind.allCases { writer.member(kind.rawValue, counts.kinds[kind] ?? 0) }
            writer.member("up_to_date", counts.upToDate)
        }
    }
}
