// What failed, and trying it again.

import Feature
import HTTP
import JSON
import Service
import Store

/// Lists failures and retries failed units.
struct FailureHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `GET /v1/failures/{key}`.
    func listFailures(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let fingerprint = CursorFingerprint("failures", key.description)
        let after = try call.query.numberCursor(fingerprint) ?? -1
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.failures.list(of: key, after: after, limit: limit)
        }
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.array("failures", page.records) { writer, failed in
                    writer.beginObject()
                    writer.object("id") { $0.ids(page.plan.spec.idColumns, failed.key) }
                    writer.failure(failed.failure)
                    writer.endObject()
                }
                writer.member("next_cursor", page.next.map { Cursor.text(.number($0), fingerprint) })
            })
    }

    /// `POST /v1/failures/{key}/retry`.
    func retryFailures(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        var members = try await call.document(isOptional: true)
        let filters = FilterMembers.read(&members, "filter")
        try members.finish()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.failures.retry(key, filters: filters, writer: call.writer())
        } answer: { (count: Int) in
            .json(JSONWriter.document { $0.member("retried", count) })
        }
    }
}

extension JSONWriter {
    /// Writes the members of a failure.
    mutating func failure(_ failure: Failure) {
        member("state", failure.retryAt == nil ? "quarantined" : "failing")
        member("attempts", failure.attempts)
        member("error", failure.error)
        member("worker", failure.worker)
        member("first_failed_at", time: failure.firstAt)
        member("last_failed_at", time: failure.lastAt)
        member("retry_at", time: failure.retryAt)
    }
}
