// Soft and hard delete, restore, and rebase.

import Base
import Feature
import HTTP
import JSON
import Service

/// Deletes, restores and rebases records.
struct DeletionHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `DELETE /v1/records/{key}`.
    func deleteRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let filters = try call.query.filters()
        let isDryRun = try call.query.flag("dry_run")
        let isAll = try call.query.flag("all")
        guard filters.isEmpty == isAll else {
            throw call.query.refusal(
                filters.isEmpty ? "filter" : "all",
                filters.isEmpty ? "give a filter, or all=true to delete every record" : "does not go with a filter")
        }
        let isHard = try call.query.flag("hard")
        if isHard { try call.require(.admin) }
        return try await once(call) { () async throws(ServiceError) in
            if isHard {
                return try await metaxy.records.erase(key, filters: filters, isDryRun: isDryRun, writer: call.writer())
            }
            return try await metaxy.records.delete(key, filters: filters, isDryRun: isDryRun, writer: call.writer())
        } answer: { (deleted: Int) in
            .json(JSONWriter.document { $0.member("deleted", deleted) })
        }
    }

    /// `POST /v1/restore/{key}`.
    func restoreRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        var members = try await call.document()
        let filters = FilterMembers.read(&members, "filter")
        if filters.isEmpty && members.faults.isEmpty { members.refuse("filter", "is missing") }
        try members.finish()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.records.restore(key, filters: filters, writer: call.writer())
        } answer: { (restored: Int) in
            .json(JSONWriter.document { $0.member("restored", restored) })
        }
    }

    /// `POST /v1/rebase/{key}`.
    func rebaseRecords(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document()
        let request = RebaseRequest(
            feature: try call.feature(), from: members.requiredString("from", bytesMax: RequestLimits.versionBytesMax),
            to: members.string("to", bytesMax: RequestLimits.versionBytesMax),
            isDryRun: members.bool("dry_run") ?? false)
        try members.finish()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.records.rebase(request, writer: call.writer())
        } answer: { (outcome: RebaseOutcome) in
            .json(
                JSONWriter.document { writer in
                    writer.member("feature", request.feature.description)
                    writer.member("from", request.from)
                    writer.member("to", outcome.featureVersion)
                    writer.member("rebased", outcome.rebased)
                    writer.member("unchanged", outcome.unchanged)
                    writer.member("skipped", outcome.skipped)
                })
        }
    }
}
