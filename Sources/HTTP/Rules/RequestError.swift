// The error of a request that is refused before a handler sees it.

/// A request that violates the protocol or a limit: the status of its answer, and a sentence for the client.
///
/// The connection closes after the answer, because its framing can no longer be trusted.
public struct RequestError: Error {
    /// The status of the answer.
    public let status: Status
    /// One sentence for the client. It never repeats bytes of the request.
    public let detail: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - status: the status of the answer.
    ///   - detail: one sentence for the client.
    public init(_ status: Status, _ detail: String) {
        self.status = status
        self.detail = detail
    }

    static func malformed(_ detail: String) -> RequestError {
        RequestError(.badRequest, detail)
    }
}
