// The protocol version of a request (RFC 9112 section 2.3).

/// The protocol version that a request is treated as.
public enum HTTPVersion: Sendable {
    /// HTTP/1.0: the connection closes after the answer, and chunked coding is not understood.
    case http10
    /// HTTP/1.1, or a later minor version, which the server treats as 1.1 (RFC 9110 section 2.5).
    case http11
}
