// Health, metrics and verification.

import Feature
import HTTP
import JSON
import Service

extension API {
    /// What a process that runs answers.
    static let alive = Response.content(.text, Array("ok\n".utf8))

    /// `GET /livez`: the process answers, whatever the database does.
    func livez(_ call: Call) throws(Problem) -> Response {
        guard try call.query.flag("verbose") else { return Self.alive }
        return .content(.text, Array("[+] process: ok\nlivez check passed\n".utf8))
    }

    /// `GET /readyz` and `GET /healthz`: the server can do its work.
    func readyz(_ call: Call) async throws(Problem) -> Response {
        let isVerbose = try call.query.flag("verbose")
        let checks = await metaxy.readiness()
        let failed = checks.filter { $0.fault != nil }
        guard failed.isEmpty else {
            let names = failed.map { "\($0.name): \($0.fault ?? "")" }
            throw Problem(.notReady, "Not ready: \(names.joined(separator: "; ")).").with(items: names)
        }
        guard isVerbose else { return Self.alive }
        let lines =
            checks.map { check in "[+] \(check.name): ok\(check.note.map { " (\($0))" } ?? "")\n" }.joined()
            + "readyz check passed\n"
        return .content(.text, Array(lines.utf8))
    }

    /// `GET /metrics`: of this process always, of what is stored where the database answers in time.
    func prometheus() async throws(Problem) -> Response {
        var page = MetricsPage()
        page.requests(metrics)
        page.service(metaxy.load, version: configuration.version)
        if let process = configuration.process() { page.process(process) }
        page.done(metaxy.doneFigures)
        let stored = await metaxy.storedFigures()
        page.isDatabaseUp(stored != nil)
        if let stored { page.stored(stored) }
        return .content(.metrics, Array(page.text.utf8))
    }

    /// `GET /v1/status`.
    func status() async throws(Problem) -> Response {
        let features = try await served { () async throws(ServiceError) in try await metaxy.status() }
        return .json(
            JSONWriter.document { writer in
                writer.array("features", features) { writer, status in writer.status(status) }
            })
    }

    /// `GET /openapi.yaml`.
    func contractAsYAML() -> Response { .content(.yaml, ContractText.yaml) }

    /// `GET /openapi.json`.
    func contractAsJSON() -> Response { .json(ContractText.json) }

    /// `POST /v1/admin/verify`.
    func verify(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document(isOptional: true)
        let text = members.string("feature", bytesMax: Bounds.nameBytesMax)
        try members.finish()
        var feature: FeatureKey?
        if let text {
            feature = FeatureKey(text)
            if feature == nil { throw Problem(ServiceError.featureNotFound(text)) }
        }
        let outcome = try await served { () async throws(ServiceError) in try await metaxy.verify(feature) }
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
