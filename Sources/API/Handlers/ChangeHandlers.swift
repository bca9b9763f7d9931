// The feed of changes, and the audit.

import Feature
import HTTP
import JSON
import Service
import Store

/// Lists changes: the feed that clients follow, and the audit.
struct ChangeHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    private static let fingerprint = CursorFingerprint("events")

    /// `GET /v1/events`.
    func listEvents(_ call: Call) async throws(Problem) -> Response {
        let start = try Self.start(call.query)
        let seconds = try call.query.count("wait_seconds", least: 0, most: TransactionLimits.waitSecondsMax) ?? 0
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.history.changes(from: start, limit: limit, wait: .seconds(seconds))
        }
        return .json(
            JSONWriter.document { writer in
                writer.array("events", page.events) { writer, event in
                    writer.beginObject()
                    writer.change(event)
                    writer.endObject()
                }
                writer.member(
                    "next", Cursor.text(.version(page.next.position, page.next.id), Self.fingerprint))
                writer.member("horizon", time: page.horizon)
            })
    }

    /// Where the feed is to go on: at the oldest change that is told, at its present end, or where an answer said.
    private static func start(_ query: Query) throws(Problem) -> FeedStart {
        guard let text = query["after"] else { return .oldest }
        guard text != "latest" else { return .latest }
        guard case .version(let position, let id) = try Cursor.position(text, fingerprint, parameter: "after") else {
            throw Cursor.refusal("after")
        }
        return .after(FeedPosition(position: position, id: id))
    }

    /// `GET /v1/admin/audit`.
    func listAudit(_ call: Call) async throws(Problem) -> Response {
        let fingerprint = CursorFingerprint("audit")
        let before = try call.query.numberCursor(fingerprint) ?? .max
        let limit = try call.query.limit()
        let found = try await served { () async throws(ServiceError) in
            try await metaxy.history.audit(before: before, limit: limit + 1)
        }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last?.change.id : nil
        return .json(
            JSONWriter.document { writer in
                writer.array("changes", page) { writer, event in
                    writer.beginObject()
                    writer.change(event)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.number($0), fingerprint) })
            })
    }
}

extension JSONWriter {
    fileprivate mutating func change(_ event: ChangeEvent) {
        let change = event.change
        member("id", change.id)
        member("at", time: change.at)
        member("kind", change.kind)
        member("project", event.project)
        member("feature", event.feature?.description)
        key("claim_id")
        if let claim = change.claim { integer(claim) } else { null() }
        member("worker", change.writer.worker)
        member("materialization_id", change.writer.materialization)
        member("token", change.writer.token)
        member("request_id", change.writer.request)
        member("detail", raw: change.detail ?? Array("{}".utf8))
    }
}
