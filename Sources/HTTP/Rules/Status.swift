// Response status codes and their reason phrases (RFC 9110 section 15, RFC 6585).

/// A response status code.
public struct Status: Hashable, Sendable {
    /// The three digits, 100...599.
    public let code: UInt16

    /// Creates a status.
    ///
    /// - Parameter code: 100...599; any other value is a bug of the caller and stops the program.
    public init(_ code: UInt16) {
        precondition((100...599).contains(code), "a status code has three digits, the first 1...5")
        self.code = code
    }

    /// Whether a response with this status never has content (RFC 9110 section 6.4.1).
    public var forbidsBody: Bool {
        code < 200 || code == 204 || code == 304
    }

    /// The reason phrase of RFC 9110; for codes that the RFC does not list, the name of their class.
    public var reason: String {
        switch code {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: Self.reasonOfClass(code)
        }
    }

    /// The name of a code's class. RFC 9110 section 15 treats an unknown code like the x00 code of its class.
    private static func reasonOfClass(_ code: UInt16) -> String {
        switch code {
        case ..<200: "Informational"
        case ..<300: "Successful"
        case ..<400: "Redirection"
        case ..<500: "Client Error"
        default: "Server Error"
        }
    }

    /// The request has succeeded.
    public static let ok = Status(200)
    /// A resource was created.
    public static let created = Status(201)
    /// The request has succeeded, and the response has no content.
    public static let noContent = Status(204)
    /// The client's cached copy is still valid.
    public static let notModified = Status(304)
    /// The request is malformed.
    public static let badRequest = Status(400)
    /// Credentials are missing or wrong.
    public static let unauthorized = Status(401)
    /// The credentials do not allow this.
    public static let forbidden = Status(403)
    /// There is no such resource.
    public static let notFound = Status(404)
    /// The resource does not support this method; `Allow` lists the supported ones.
    public static let methodNotAllowed = Status(405)
    /// No representation fits `Accept`.
    public static let notAcceptable = Status(406)
    /// The client was too slow to send its request.
    public static let requestTimeout = Status(408)
    /// The request conflicts with the resource's state.
    public static let conflict = Status(409)
    /// A precondition of the request does not hold.
    public static let preconditionFailed = Status(412)
    /// The content is larger than the server accepts.
    public static let contentTooLarge = Status(413)
    /// The request target is longer than the server accepts.
    public static let uriTooLong = Status(414)
    /// The server does not accept the content's type or coding.
    public static let unsupportedMediaType = Status(415)
    /// The request has an expectation other than `100-continue`.
    public static let expectationFailed = Status(417)
    /// The header section is larger than the server accepts.
    public static let headerFieldsTooLarge = Status(431)
    /// The server does not support a method or a transfer coding of the request.
    public static let notImplemented = Status(501)
    /// The server cannot answer now; `Retry-After` holds the seconds to wait.
    public static let serviceUnavailable = Status(503)
    /// The request has a major version other than 1.
    public static let versionNotSupported = Status(505)
}
