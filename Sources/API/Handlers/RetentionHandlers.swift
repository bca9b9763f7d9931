// Dropping history.

import Feature
import HTTP
import JSON
import Service

/// Drops history.
struct RetentionHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/admin/retention`.
    func dropHistory(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document()
        let text = members.requiredString("feature", bytesMax: RequestLimits.nameBytesMax)
        let versions = members.number("keep_versions", in: 1...RequestLimits.keepVersionsMax)
        let days = members.number("keep_days", in: 0...RequestLimits.keepDaysMax)
        let isDryRun = members.bool("dry_run") ?? false
        try members.finish()
        guard versions != nil || days != nil else {
            throw Problem(
                .validationFailed, .pointer("/keep_days"),
                "say with keep_days, keep_versions or both what is to stay besides what is needed; keep_days 0 for nothing"
            )
        }
        guard let feature = FeatureKey(text) else { throw Problem(ServiceError.featureNotFound(text)) }
        let writer = call.writer()
        let outcome = try await served { () async throws(ServiceError) in
            try await metaxy.history.retain(feature, versions: versions, days: days, isDryRun: isDryRun, writer: writer)
        }
        return .json(
            JSONWriter.document { writer in
                writer.member("feature", feature.description)
                writer.member("dropped", outcome.dropped)
                writer.member("kept", outcome.kept)
                writer.member("horizon", time: outcome.horizon)
                writer.member("dry_run", isDryRun)
            })
    }
}
