// One request and its answer: the request's id, its duration, and the header fields that every answer has.

import HTTP

/// A request that is being answered.
struct Exchange: Sendable {
    /// The request's id and trace.
    let identity: RequestIdentity

    private let head: RequestHead
    private let remote: String
    private let start: UInt64
    private let counted: RequestTimings.Request
    private let context: HandlerContext

    /// Begins to count a request.
    init(_ request: Request, _ context: HandlerContext) {
        head = request.head
        remote = request.remote
        identity = RequestIdentity(request.head, random: context.configuration.random)
        start = context.configuration.clock()
        counted = context.timings.begin()
        self.context = context
    }

    /// The answer that reports a problem.
    func refuse(_ problem: Problem, route: String?) -> Response {
        context.events.report(problem, identity)
        return finish(problem.response(instance: head.path, requestID: identity.id), route: route)
    }

    /// Completes an answer. The request ends when the last byte of the answer's content is written.
    func finish(_ response: consuming Response, route: String?) -> Response {
        var response = response.complete(identity)
        let status = response.status.code
        guard case .stream(let write) = response.body, head.method != .head else {
            end(status: status, route: route)
            return response
        }
        response.body = .stream { writer in
            let end = await API.$requestID.withValue(identity.id) { await write(writer) }
            self.end(status: status, route: route)
            return end
        }
        return response
    }

    private func end(status: UInt16, route: String?) {
        let nanoseconds = context.configuration.clock() - start
        let isKnown = Routes.methods.contains(head.method)
        context.timings.answered(
            RequestTimings.Series(
                method: isKnown ? head.method.name : "other", route: route ?? "unmatched", status: status),
            nanoseconds: nanoseconds)
        context.events.observe(
            .answered(
                APIEvent.Exchange(
                    method: head.method.name, path: head.path, route: route, status: status,
                    duration: .nanoseconds(Int64(clamping: nanoseconds)), requestID: identity.id,
                    traceparent: identity.traceparent, remote: remote)))
    }
}

extension Response {
    /// The answer with the header fields of every answer.
    consuming func complete(_ identity: RequestIdentity) -> Response {
        withCommonFields().with(RequestIdentity.idField, identity.id)
    }

    /// The answer with the header fields of every answer but the request's id.
    consuming func withCommonFields() -> Response {
        with("Cache-Control", "no-store").with("X-Content-Type-Options", "nosniff")
    }

    /// An answer with a JSON document.
    static func json(_ bytes: [UInt8], status: Status = .ok) -> Response {
        Response(status: status, headers: ["Content-Type": MediaType.json.text], body: .bytes(bytes))
    }

    /// An answer with a document of another type.
    static func content(_ type: MediaType, _ bytes: [UInt8]) -> Response {
        Response(status: .ok, headers: ["Content-Type": type.text], body: .bytes(bytes))
    }

    /// The answer with another header field.
    consuming func with(_ name: FieldName, _ value: String) -> Response {
        headers.append(name, value)
        return self
    }
}
