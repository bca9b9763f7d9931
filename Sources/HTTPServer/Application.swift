// The closures that a server calls: the fast path, the handler, and the answer to a refused request.

public import HTTP

/// The closures behind a server, which itself knows no routes.
public struct Application: Sendable {
    let handler: Handler
    let fastPath: (@Sendable (RequestHead) -> Response?)?
    let protocolError: @Sendable (Status, String) -> Response

    /// Creates an application.
    ///
    /// - Parameters:
    ///   - fastPath: called first for requests without content, on the event loop and outside any task. Returns nil for
    ///     requests that it leaves to the handler. For cheap answers such as health checks.
    ///   - protocolError: makes the answer to a request that is refused before a handler sees it, from the status and
    ///     one sentence for the client.
    ///   - handler: answers all other requests.
    public init(
        fastPath: (@Sendable (RequestHead) -> Response?)? = nil,
        protocolError: @escaping @Sendable (Status, String) -> Response,
        handler: @escaping Handler
    ) {
        self.fastPath = fastPath
        self.protocolError = protocolError
        self.handler = handler
    }

    /// The answer to a request that is refused.
    func refusal(_ error: RequestError) -> Response {
        var response = protocolError(error.status, error.detail)
        if error.status == .serviceUnavailable, response.headers["Retry-After"] == nil {
            response.headers.append("Retry-After", "1")
        }
        return response
    }
}
