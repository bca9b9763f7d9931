// The request method: a case-sensitive token (RFC 9110 section 9.1).

/// A request method.
///
/// Methods compare by their exact bytes: `get` is not `GET` (RFC 9110 section 9.1).
public struct Method: Hashable, Sendable {
    /// The token as the client sent it.
    public let name: String

    /// Creates a method from a token.
    ///
    /// - Parameter name: a token as defined by RFC 9110 section 5.6.2; the parser has checked those that it makes.
    public init(_ name: String) {
        self.name = name
    }

    /// Transfers a representation (RFC 9110 section 9.3.1).
    public static let get = Method("GET")
    /// As GET, without the content (RFC 9110 section 9.3.2).
    public static let head = Method("HEAD")
    /// Processes the content (RFC 9110 section 9.3.3).
    public static let post = Method("POST")
    /// Replaces the target (RFC 9110 section 9.3.4).
    public static let put = Method("PUT")
    /// Removes the target (RFC 9110 section 9.3.5).
    public static let delete = Method("DELETE")
    /// Asks for a tunnel (RFC 9110 section 9.3.6); the server answers 501.
    public static let connect = Method("CONNECT")
    /// Asks which methods the target has (RFC 9110 section 9.3.7).
    public static let options = Method("OPTIONS")
    /// Changes part of the target (RFC 5789).
    public static let patch = Method("PATCH")
}
