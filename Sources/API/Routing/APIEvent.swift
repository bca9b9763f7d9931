// What the API tells about its work: events, for logs and traces.

/// Something that happened while a request was answered.
public enum APIEvent: Sendable {
    /// A request was answered to its end.
    case answered(Exchange)
    /// A request failed for a reason that its answer does not show.
    case failed(requestID: String, traceparent: String?, cause: String)

    /// A request and how it was answered.
    public struct Exchange: Sendable, Hashable {
        /// The method.
        public let method: String
        /// The path as sent, without the query.
        public let path: String
        /// The template of the route; nil where none matched.
        public let route: String?
        /// The status of the answer.
        public let status: UInt16
        /// From the end of the request's head to the end of the answer's content.
        public let duration: Duration
        /// `X-Request-Id`.
        public let requestID: String
        /// The request's `traceparent`, nil where there is no valid one.
        public let traceparent: String?
        /// The peer's address and port.
        public let remote: String
    }
}
