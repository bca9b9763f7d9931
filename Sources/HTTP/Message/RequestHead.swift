// The request line and header fields of one request (RFC 9112 sections 3 and 5).

/// The head of a request: method, target, version and header fields.
///
/// The parser has checked the target: its percent-encoding is well-formed and decodes to UTF-8 without NUL, and no
/// segment is "." or "..". The text forms below are made on demand.
public struct RequestHead: Sendable {
    /// The method.
    public let method: Method
    /// The version the request is treated as.
    public let version: HTTPVersion
    /// The header fields.
    public let headers: HeaderFields

    let targetRange: Range<UInt32>
    let authorityRange: Range<UInt32>
    let pathRange: Range<UInt32>
    let queryRange: Range<UInt32>

    /// The request target as sent: origin form, absolute form, or "*" (RFC 9112 section 3.2).
    public var target: String {
        headers.text(targetRange)
    }

    /// The requested host and port: the target's authority in absolute form, otherwise the `Host` field (RFC 9112
    /// section 3.3). Empty for a request of HTTP/1.0 without `Host`.
    public var authority: String {
        headers.text(authorityRange)
    }

    /// The path as sent, still percent-encoded; "*" for `OPTIONS *`.
    public var path: String {
        // A target in absolute form may have no path, which means "/" (RFC 9110 section 4.2.3).
        pathRange.isEmpty ? "/" : headers.text(pathRange)
    }

    /// Whether the path as sent equals this one. Makes no String, which is cheap enough for a fast path.
    ///
    /// - Parameter path: the path, such as `/livez`.
    /// - Returns: whether the paths are equal.
    public func hasPath(_ path: StaticString) -> Bool {
        headers.equals(path, in: pathRange)
    }

    /// Whether the target has a query that is not empty. Makes no String.
    public var hasQuery: Bool {
        !queryRange.isEmpty
    }

    /// The path's segments, split at "/" first and percent-decoded once after: `/a/b%2Fc` is `["a", "b/c"]`.
    ///
    /// "/" has no segments. `/a/` has two, of which the second is empty. `OPTIONS *` has none.
    ///
    /// - Complexity: O(length of the path), at each access.
    public var segments: [String] {
        PercentCoding.segments(of: headers.bytes.span, in: pathRange.widened)
    }

    /// The query's items in order, percent-decoded once: `a=1&b=&c` is `("a", "1"), ("b", ""), ("c", "")`.
    ///
    /// A plus sign means a space, because most clients encode parameters like forms (WHATWG URL,
    /// `application/x-www-form-urlencoded`). A literal plus sign is sent as `%2B`.
    ///
    /// - Complexity: O(length of the query), at each access.
    public var query: [(name: String, value: String)] {
        PercentCoding.items(of: headers.bytes.span, in: queryRange.widened)
    }
}
