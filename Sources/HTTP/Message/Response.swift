// An answer: status, header fields and content.

/// A response.
///
/// The encoder adds `Date`, the framing (`Content-Length` or `Transfer-Encoding`) and `Connection`, and omits lines of
/// `headers` with these names. It never sends content in an answer to HEAD, or with status 204 or 304.
public struct Response: Sendable {
    /// The status.
    public var status: Status
    /// The header fields.
    public var headers: HeaderFields
    /// An additional header field; nil for none.
    public var hexField: HexField?
    /// The content.
    public var body: ResponseBody

    /// Creates a response.
    ///
    /// - Parameters:
    ///   - status: the status.
    ///   - headers: the header fields.
    ///   - body: the content.
    public init(status: Status, headers: HeaderFields = HeaderFields(), body: ResponseBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// The content of a response.
public enum ResponseBody: Sendable {
    /// No content: `Content-Length: 0`, or no such field where the status forbids it.
    case empty
    /// Content in one piece.
    case bytes([UInt8])
    /// Content that the closure writes piece by piece after the head was sent, in chunked coding. For a client of
    /// HTTP/1.0 the end of the connection ends the content. The closure runs in the handler's task.
    case stream(@Sendable (ResponseWriter) async -> StreamEnd)
}

/// The end of streamed content.
public enum StreamEnd: Sendable {
    /// All of it was written.
    case finished
    /// The content is incomplete. The server omits the last chunk and closes the connection, so that the client notices
    /// (RFC 9112 section 8).
    case aborted
}
