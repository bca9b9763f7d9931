// What a server serves: the closures that turn requests into responses.

public import HTTP

/// The closures behind a server. It knows nothing of routes but through them.
public struct Application: Sendable {
    let handler: Handler
    let fastPath: (@Sendable (RequestHead) -> Response?)?
    let protocolError: @Sendable (Status, String) -> Response

    /// Creates an application.
    ///
    /// - Parameters:
    ///   - fastPath: asked first for requests without content, on the event loop and outside any task; nil for what it
    ///     does not answer. For cheap answers such as health checks.
    ///   - protocolError: makes the answer to a request that is refused before any handler sees it, from its status and
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
