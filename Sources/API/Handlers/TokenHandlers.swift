// API tokens.

import HTTP
import JSON
import Service
import Store

/// Lists, creates, rotates and revokes API tokens.
struct TokenHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// For how long old secrets stay good after a rotation that does not say: whoever deploys daily can follow.
    private static let graceSeconds = 86_400

    /// `GET /v1/admin/tokens`.
    func listTokens(_ call: Call) async throws(Problem) -> Response {
        let fingerprint = CursorFingerprint("tokens")
        let after = try call.query.nameCursor(fingerprint)
        let limit = try call.query.limit()
        let page = try await served { () async throws(ServiceError) in
            try await metaxy.tokens.list(after: after, limit: limit)
        }
        let next = page.hasMore ? page.tokens.last?.name : nil
        return .json(
            JSONWriter.document { writer in
                writer.array("tokens", page.tokens) { writer, token in
                    writer.beginObject()
                    writer.token(token)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.name($0), fingerprint) })
            })
    }

    /// `POST /v1/admin/tokens`. The answer is kept nowhere: it has the secret.
    func createToken(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document()
        var request = TokenRequest(
            name: members.requiredString("name", bytesMax: RequestLimits.nameBytesMax), scopes: [])
        if !request.name.isEmpty, let fault = TokenName.fault(in: request.name) { members.refuse("name", fault) }
        if members.required("scopes") != nil {
            request.scopes = members.choices("scopes", among: Permission.allCases) ?? []
        }
        request.projects = Self.projects(&members)
        request.lifetime = members.count("expires_in_seconds", least: 1, most: RequestLimits.tokenSecondsMax).map(
            Double.init)
        try members.finish()
        let made = try await served { [request] () async throws(ServiceError) in
            try await metaxy.tokens.create(request, writer: call.writer())
        }
        return Self.answer(made)
    }

    /// `POST /v1/admin/tokens/{token}/rotate`.
    func rotateToken(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document(isOptional: true)
        let grace = members.count("grace_seconds", least: 0, most: RequestLimits.tokenSecondsMax) ?? Self.graceSeconds
        let seconds = members.count("expires_in_seconds", least: 1, most: RequestLimits.tokenSecondsMax)
        let isNull = seconds == nil && members.names("expires_in_seconds")
        let lifetime: SecretLifetime = seconds.map { .seconds(Double($0)) } ?? (isNull ? .unlimited : .asBefore)
        try members.finish()
        let made = try await served { () async throws(ServiceError) in
            try await metaxy.tokens.rotate(
                call.part("token"), grace: Double(grace), lifetime: lifetime,
                writer: call.writer())
        }
        return Self.answer(made)
    }

    /// `DELETE /v1/admin/tokens/{token}`.
    func revokeToken(_ call: Call) async throws(Problem) -> Response {
        try await served { () async throws(ServiceError) in
            try await metaxy.tokens.revoke(call.part("token"), writer: call.writer())
        }
        return Response(status: .noContent)
    }

    private static func projects(_ members: inout Members) -> Set<String>? {
        guard let elements = members.array("projects") else { return nil }
        if elements.isEmpty || elements.count > RequestLimits.tokenProjectsMax {
            members.refuse(
                "projects", "expected 1 to \(RequestLimits.tokenProjectsMax) projects; for all, leave it out")
        }
        var projects: Set<String> = []
        for (index, element) in elements.enumerated() {
            guard let name = element.stringValue, !name.isEmpty, ProjectName.fault(in: name) == nil else {
                members.refuse("projects/\(index)", "expected the name of a project")
                continue
            }
            projects.insert(name)
        }
        return projects
    }

    private static func answer(_ made: NewToken) -> Response {
        .json(
            JSONWriter.document { writer in
                writer.token(made.token)
                writer.member("secret", made.secret.text)
            }, status: .created)
    }
}

extension JSONWriter {
    fileprivate mutating func token(_ token: StoredToken) {
        member("name", token.name)
        member("scopes", token.scopes)
        if let projects = token.projects { member("projects", projects) } else { member("projects", String?.none) }
        member("created_at", time: token.createdAt)
        member("created_by", token.createdBy)
        member("expires_at", time: token.expiresAt)
        member("revoked_at", time: token.revokedAt)
        member("secrets", token.secrets)
    }
}
