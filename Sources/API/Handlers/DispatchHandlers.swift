// How the work of a feature is handed out.

import Feature
import HTTP
import JSON
import Service
import Store

/// Reads and changes how the units of a feature are handed out.
struct DispatchHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `GET /v1/dispatch/{key}`.
    func getDispatch(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let dispatch = try await served { () async throws(ServiceError) in try await metaxy.graph.dispatch(of: key) }
        let revision = "\(dispatch.stored.revision)"
        if EntityTag.isKnown(revision, call.head) {
            return Response(status: .notModified, headers: ["ETag": EntityTag.text(revision)])
        }
        return Self.answer(dispatch)
    }

    /// `PUT /v1/dispatch/{key}`: what the body leaves out gets the standard.
    func putDispatch(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let expected = try EntityTag.expected(call.head)
        var members = try await call.document()
        let settings = Self.settings(&members)
        try members.finish()
        return Self.answer(
            try await served { () async throws(ServiceError) in
                try await metaxy.graph.configure(dispatch: key, settings, expected: expected, writer: call.writer())
            })
    }

    private static func settings(_ members: inout Members) -> DispatchSettings {
        var settings = DispatchSettings.standard
        let seconds = 1...TransactionLimits.retrySecondsMax
        let priorities = -TransactionLimits.priorityMax...TransactionLimits.priorityMax
        if let priority = members.number("priority", in: priorities) { settings.priority = Int32(priority) }
        settings.requires = WorkerMembers.tags(&members, "requires")
        settings.claimsMax = members.number("max_claims", in: 0...TransactionLimits.claimsCapMax).map { Int32($0) }
        if let most = members.number("max_attempts", in: 1...TransactionLimits.attemptsCapMax) {
            settings.attemptsMax = Int32(most)
        }
        if let first = members.number("retry_first_seconds", in: seconds) { settings.retryFirst = Int32(first) }
        if let most = members.number("retry_max_seconds", in: seconds) { settings.retryMax = Int32(most) }
        settings.orderBy = members.string("order_by", bytesMax: RequestLimits.nameBytesMax)
        if settings.orderBy?.isEmpty == true { members.refuse("order_by", "is empty") }
        return settings
    }

    private static func answer(_ dispatch: DispatchSummary) -> Response {
        let document = JSONWriter.document { writer in
            writer.member("feature", dispatch.key.description)
            writer.dispatch(dispatch.stored.settings)
        }
        return Response.json(document).with("ETag", EntityTag.text("\(dispatch.stored.revision)"))
    }
}

extension JSONWriter {
    /// Writes the members of settings.
    mutating func dispatch(_ settings: DispatchSettings) {
        member("priority", settings.priority)
        object("requires") { writer in
            for (name, value) in settings.requires.sorted(by: { $0.key < $1.key }) { writer.member(name, value) }
        }
        member("max_claims", bound: settings.claimsMax)
        member("max_attempts", settings.attemptsMax)
        member("retry_first_seconds", settings.retryFirst)
        member("retry_max_seconds", settings.retryMax)
        member("order_by", settings.orderBy)
    }
}
