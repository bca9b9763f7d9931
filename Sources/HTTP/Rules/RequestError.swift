// Why a request is refused before any handler sees it.

/// A request that breaks the protocol or a limit: the status of its answer, and what is wrong.
///
/// The connection closes after the answer, as its framing can no longer be trusted.
public struct RequestError: Error {
    /// The status of the answer.
    public let status: Status
    /// One sentence for the client; it never repeats what the client sent.
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
