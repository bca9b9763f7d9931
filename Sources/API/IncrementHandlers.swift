// Answering what has to be done.

import Feature
import HTTP
import JSON
import Service

extension API {
    /// `POST /v1/resolve/{key}`.
    func resolve(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let type = try call.head.preferred(among: [.json, .ndjson])
        var members = try await call.document(isOptional: true)
        let question = ResolveQuestion(key, &members)
        try members.finish()
        if type == .ndjson { return try await stream(call, question) }
        let page = try await resolve(try question.query())
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", page.plan.featureVersion)
                writer.counts(page.counts)
                writer.array("records", page.records) { writer, record in
                    writer.beginObject()
                    writer.increment(record, page.plan)
                    writer.endObject()
                }
                writer.member("next_cursor", page.next.map { Cursor.text(.number($0), question.fingerprint) })
            })
    }

    private func resolve(_ query: IncrementQuery) async throws(Problem) -> IncrementPage {
        try await served { () async throws(ServiceError) in try await metaxy.resolve(query) }
    }

    private func stream(_ call: Call, _ question: ResolveQuestion) async throws(Problem) -> Response {
        var query = try question.query()
        query.limit = Service.Limits.pageRowsMax
        query.countsAll = false
        let first = try await resolve(query)
        return streamLines(call, first: first) { page, lines in
            for record in page.records {
                lines.beginObject()
                lines.increment(record, page.plan)
                lines.endObject()
                lines.endLine()
            }
        } next: { [query] (page: IncrementPage) async throws(Problem) -> IncrementPage? in
            guard let next = page.next else { return nil }
            var following = query
            following.after = next
            return try await resolve(following)
        }
    }
}

/// A question for an increment as a client asks it.
private struct ResolveQuestion {
    private let key: FeatureKey
    private let kinds: Set<IncrementKind>
    private let limit: Int
    private let cursor: String?
    private let countsOnly: Bool

    init(_ key: FeatureKey, _ members: inout Members) {
        self.key = key
        kinds = members.choices("kinds", among: IncrementKind.allCases) ?? [.new, .stale, .orphaned]
        limit =
            members.count("limit", least: 1, most: Service.Limits.pageRowsMax) ?? Service.Limits.pageRowsStandard
        cursor = members.string("cursor", bytesMax: 1_024)
        countsOnly = members.bool("counts_only") ?? false
    }

    /// What a cursor is bound to.
    var fingerprint: CursorFingerprint {
        CursorFingerprint("resolve", key.description, kinds.map(\.rawValue).sorted().joined(separator: ","))
    }

    /// The question for the service. Counts come with the first page: they cost a walk over all candidates.
    func query() throws(Problem) -> IncrementQuery {
        let position = try cursor.map { (text) throws(Problem) in try Cursor.position(text, fingerprint) }
        return IncrementQuery(
            feature: key, kinds: kinds, limit: countsOnly ? 0 : limit, after: position?.number ?? -1,
            countsAll: position == nil || countsOnly)
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

    /// Writes the members of a record of an increment.
    mutating func increment(_ record: IncrementRecord, _ plan: FeaturePlan) {
        ids(plan.spec.idColumns, record.key)
        for column in record.columns { member(column.name, raw: column.value) }
        member("metaxy_change", record.kind.rawValue)
        member("metaxy_stale_fields", record.staleFields.map { plan.fields[$0.field].structKey })
        object("metaxy_causes") { writer in
            for stale in record.staleFields {
                writer.member(plan.fields[stale.field].structKey, stale.causes.map(\.rawValue))
            }
        }
        object("metaxy_provenance_by_field") { writer in
            for (field, provenance) in zip(plan.fields, record.provenance) {
                writer.member(field.structKey, provenance)
            }
        }
        member("metaxy_provenance", record.recordProvenance)
    }
}
