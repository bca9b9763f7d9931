// An answer: status, header fields and content.

/// A response.
///
/// The encoder adds `Date`, the framing (`Content-Length` or `Transfer-Encoding`) and `Connection`; lines with these
/// names among `headers` are left out. The content of an answer to HEAD is never sent, nor that of a 204 or a 304.
public struct Response: Sendable {
    /// The status.
    public var status: Status
    /// The header fields.
    public var headers: HeaderFields
    /// One more header field; nil for none.
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
    /// No content: `Content-Length: 0`, or none of it where the status forbids it.
    case empty
    /// Content that is all there.
    case bytes([UInt8])
    /// Content that the closure writes piece by piece, after the head was sent, in chunked coding; to a client of
    /// HTTP/1.0 it ends with the connection. The closure runs in the handler's task.
    case stream(@Sendable (ResponseWriter) async -> StreamEnd)
}

/// How streamed content ended.
public enum StreamEnd: Sendable {
    /// All of it was written.
    case finished
    /// It broke off: the terminating chunk is left out and the connection closes, so that the client cannot take it for
    /// the whole (RFC 9112 section 8).
    case aborted
}
