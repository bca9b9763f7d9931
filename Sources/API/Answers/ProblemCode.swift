// The codes by which programs tell problems apart.

public import HTTP

/// What kind of problem an answer reports. The codes are part of the contract: they are never renamed.
public enum ProblemCode: String, Sendable, Hashable, CaseIterable {
    /// The request is not HTTP as it should be.
    case badRequest = "bad_request"
    /// The body is not JSON.
    case invalidJSON = "invalid_json"
    /// A query parameter, a header field or the path is unknown or has an unusable value.
    case invalidParameter = "invalid_parameter"
    /// The cursor was made by another query, or by nobody.
    case invalidCursor = "invalid_cursor"
    /// What the cursor goes on from is told no more, or never was: something may have been missed.
    case cursorExpired = "cursor_expired"
    /// What was current at the moment asked for may have been dropped.
    case historyDropped = "history_dropped"
    /// The credentials are missing or wrong.
    case unauthorized
    /// The credentials do not allow this.
    case forbidden
    /// No such path.
    case notFound = "not_found"
    /// No such feature in the current graph.
    case featureNotFound = "feature_not_found"
    /// No such project.
    case projectNotFound = "project_not_found"
    /// No such API token.
    case tokenNotFound = "token_not_found"
    /// No such project version.
    case versionNotFound = "version_not_found"
    /// No such claim.
    case claimNotFound = "claim_not_found"
    /// No such record.
    case recordNotFound = "record_not_found"
    /// The path exists, with other methods.
    case methodNotAllowed = "method_not_allowed"
    /// None of the media types that the client accepts can be made.
    case notAcceptable = "not_acceptable"
    /// The client sent too slowly.
    case requestTimeout = "request_timeout"
    /// The claim is no longer the worker's.
    case leaseLost = "lease_lost"
    /// The request contradicts the present state.
    case conflict
    /// The worker lacks tags that every feature it asks for requires.
    case requirementsNotMet = "requirements_not_met"
    /// The project, or what else the request changes, is not at the version that the client expects.
    case preconditionFailed = "precondition_failed"
    /// The body is too large.
    case contentTooLarge = "content_too_large"
    /// The request target is too long.
    case uriTooLong = "uri_too_long"
    /// The body is of a media type or coding that this path does not take.
    case unsupportedMediaType = "unsupported_media_type"
    /// The request expects something of the server that it does not do.
    case expectationFailed = "expectation_failed"
    /// The idempotency key came with another request before.
    case idempotencyKeyReused = "idempotency_key_reused"
    /// What was sent does not hold together.
    case validationFailed = "validation_failed"
    /// The graph that was pushed does not hold together.
    case invalidGraph = "invalid_graph"
    /// The token asks too often.
    case rateLimited = "rate_limited"
    /// The header fields are too many or too long.
    case headerTooLarge = "header_too_large"
    /// A bug or a damaged database.
    case `internal`
    /// The method is none that this server has for any path.
    case notImplemented = "not_implemented"
    /// The database cannot be reached, or there is too much to do.
    case unavailable
    /// The server is starting or stopping, or cannot work.
    case notReady = "not_ready"
    /// The version of HTTP is not 1.0 or 1.1.
    case versionNotSupported = "version_not_supported"

    /// The status that answers carry.
    public var status: Status {
        switch self {
        case .badRequest, .invalidJSON, .invalidParameter, .invalidCursor: Status(400)
        case .unauthorized: Status(401)
        case .forbidden: Status(403)
        case .notFound, .featureNotFound, .projectNotFound, .tokenNotFound, .versionNotFound, .claimNotFound,
            .recordNotFound:
            Status(404)
        case .methodNotAllowed: Status(405)
        case .notAcceptable: Status(406)
        case .requestTimeout: Status(408)
        case .leaseLost, .conflict, .requirementsNotMet: Status(409)
        case .cursorExpired, .historyDropped: Status(410)
        case .preconditionFailed: Status(412)
        case .contentTooLarge: Status(413)
        case .uriTooLong: Status(414)
        case .unsupportedMediaType: Status(415)
        case .expectationFailed: Status(417)
        case .validationFailed, .invalidGraph, .idempotencyKeyReused: Status(422)
        case .rateLimited: Status(429)
        case .headerTooLarge: Status(431)
        case .internal: Status(500)
        case .notImplemented: Status(501)
        case .unavailable, .notReady: Status(503)
        case .versionNotSupported: Status(505)
        }
    }

    /// One line for people, the same for every problem of the code.
    public var title: String {
        switch self {
        case .badRequest: "The request is malformed"
        case .invalidJSON: "The body is not valid JSON"
        case .invalidParameter: "A parameter is invalid"
        case .invalidCursor: "The cursor does not belong to this query"
        case .cursorExpired: "What the cursor goes on from is told no more"
        case .historyDropped: "The history of that time was dropped"
        case .unauthorized: "Credentials are missing or wrong"
        case .forbidden: "The credentials do not allow this"
        case .notFound: "There is nothing at this path"
        case .featureNotFound: "There is no such feature"
        case .projectNotFound: "There is no such project"
        case .tokenNotFound: "There is no such API token"
        case .versionNotFound: "There is no such project version"
        case .claimNotFound: "There is no such claim"
        case .recordNotFound: "There is no such record"
        case .methodNotAllowed: "The path does not have this method"
        case .notAcceptable: "No acceptable media type can be made"
        case .requestTimeout: "The request came too slowly"
        case .leaseLost: "The lease was lost"
        case .conflict: "The request contradicts the present state"
        case .requirementsNotMet: "The worker lacks tags that the work requires"
        case .preconditionFailed: "The resource is at another version"
        case .contentTooLarge: "The body is too large"
        case .uriTooLong: "The request target is too long"
        case .unsupportedMediaType: "The body's media type is not supported"
        case .expectationFailed: "The expectation cannot be met"
        case .idempotencyKeyReused: "The idempotency key belongs to another request"
        case .validationFailed: "The request does not hold together"
        case .invalidGraph: "The graph does not hold together"
        case .rateLimited: "The token asks too often"
        case .headerTooLarge: "The header fields are too large"
        case .internal: "The server failed"
        case .notImplemented: "The method is not implemented"
        case .unavailable: "The service is unavailable for the moment"
        case .notReady: "The server is not ready"
        case .versionNotSupported: "The version of HTTP is not supported"
        }
    }
}

extension ProblemCode {
    /// The code of a refusal by the HTTP layer.
    init(refusing status: Status) {
        self =
            switch status.code {
            case 408: .requestTimeout
            case 413: .contentTooLarge
            case 414: .uriTooLong
            case 417: .expectationFailed
            case 431: .headerTooLarge
            case 501: .notImplemented
            case 503: .unavailable
            case 505: .versionNotSupported
            default: .badRequest
            }
    }
}
