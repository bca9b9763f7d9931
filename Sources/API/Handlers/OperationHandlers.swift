// The state of features, and its verification.

import Feature
import HTTP
import JSON
import Service

/// Reports and verifies the state of features.
struct OperationHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `GET /v1/status`.
    func status() async throws(Problem) -> Response {
        let features = try await served { () async throws(ServiceError) in try await metaxy.operations.status() }
        return .json(
            JSONWriter.document { writer in
                writer.array("features", features) { writer, status in writer.status(status) }
            })
    }

    /// `POST /v1/admin/verify`.
    func verify(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document(isOptional: true)
        let text = members.string("feature", bytesMax: RequestLimits.nameBytesMax)
        try members.finish()
        var feature: FeatureKey?
        if let text {
            feature = FeatureKey(text)
            if feature == nil { throw Problem(ServiceError.featureNotFound(text)) }
        }
        let outcome = try await served { () async throws(ServiceError) in try await metaxy.operations.verify(feature) }
        return .json(
            JSONWriter.document { writer in
                writer.member("checked", outcome.checked)
                writer.array("mismatches", outcome.mismatches) { writer, mismatch in
                    writer.beginObject()
                    writer.member("feature", mismatch.feature.description)
                    if let key = mismatch.key {
                        writer.object("id") { $0.ids(mismatch.columns, key) }
                    } else {
                        writer.member("id", String?.none)
                    }
                    writer.member("detail", mismatch.detail)
                    writer.endObject()
                }
                writer.member("mismatch_count", outcome.mismatchCount)
            })
    }
}

extension JSONWriter {
    fileprivate mutating func status(_ status: FeatureStatus) {
        beginObject()
        member("feature", status.key.description)
        member("project", status.project)
        member("records", status.records)
        member("pending", status.pending)
        member("claimed", status.claimed)
        member("blocked", status.blocked)
        member("failing", status.failing)
        member("quarantined", status.quarantined)
        member("progress_percent", number: status.progress)
        member("oldest_pending_age_seconds", number: status.oldestPendingAge)
        member("rate_per_second", number: status.rate)
        member("seconds_per_unit", number: status.secondsPerUnit)
        member("estimated_seconds", number: status.estimatedSeconds)
        endObject()
    }
}
