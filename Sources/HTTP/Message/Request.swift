// A request as a handler receives it: head, content and the client's address.

/// A request: its head, its body as it arrives, and the client's address.
public struct Request: Sendable {
    /// Method, target and header fields.
    public let head: RequestHead
    /// The content, read on demand.
    public let body: RequestBody
    /// The peer's address and port, `192.0.2.7:51234` or `[2001:db8::7]:51234`.
    public let remote: String

    /// Creates a request.
    ///
    /// - Parameters:
    ///   - head: method, target and header fields.
    ///   - body: the content.
    ///   - remote: the peer's address and port.
    public init(head: RequestHead, body: RequestBody, remote: String) {
        self.head = head
        self.body = body
        self.remote = remote
    }

    /// The request with another body.
    public func with(_ body: RequestBody) -> Request {
        Request(head: head, body: body, remote: remote)
    }
}

/// Answers one request.
///
/// A handler runs on the connection's event loop and must not block. It is cancelled when the peer goes away, and its
/// answer is discarded then.
public typealias Handler = @Sendable (Request) async -> Response
