// A parsed head with what it says about the rest of the message and the connection.

/// A complete head, and what it says about the content that follows and about the connection.
///
/// A class, as it is handed on and kept: one reference to count instead of three.
public final class ParsedHead: Sendable {
    /// How the end of the content is found (RFC 9112 section 6.3).
    public enum Content: Equatable, Sendable {
        /// There is none.
        case none
        /// Exactly this many bytes, at least one.
        case length(Int)
        /// Chunked coding.
        case chunked
    }

    /// The head.
    public let head: RequestHead
    /// How the end of the content is found.
    public let content: Content
    /// The client lets the connection go on after the answer.
    public let keepsAlive: Bool
    /// The client waits for `100 Continue` before it sends the content (RFC 9110 section 10.1.1).
    public let expectsContinue: Bool
    /// Bytes of the buffer that the head took, with empty lines before it.
    public let consumed: Int

    init(head: RequestHead, content: Content, keepsAlive: Bool, expectsContinue: Bool, consumed: Int) {
        self.head = head
        self.content = content
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
        self.consumed = consumed
    }
}
