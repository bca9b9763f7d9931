// A parsed head together with its message framing and whether the connection stays open.

/// A complete head, with the framing of its content and the persistence of its connection.
///
/// A class, because the head is passed on and stored: one reference is counted instead of three.
public final class ParsedHead: Sendable {
    /// The framing of the content (RFC 9112 section 6.3).
    public enum Content: Equatable, Sendable {
        /// No content.
        case none
        /// Exactly this many bytes, at least one.
        case length(Int)
        /// Chunked coding.
        case chunked
    }

    /// The head.
    public let head: RequestHead
    /// The framing of the content.
    public let content: Content
    /// Whether the client allows the connection to stay open after the answer.
    public let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the content (RFC 9110 section 10.1.1).
    public let expectsContinue: Bool
    /// The number of bytes of the head, with the empty lines before it.
    public let consumed: Int

    init(head: RequestHead, content: Content, keepsAlive: Bool, expectsContinue: Bool, consumed: Int) {
        self.head = head
        self.content = content
        self.keepsAlive = keepsAlive
        self.expectsContinue = expectsContinue
        self.consumed = consumed
    }
}
