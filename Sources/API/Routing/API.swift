// The HTTP contract over the use cases: from a request to its answer.

public import HTTP
public import Service

/// Answers requests.
///
/// Each passes the same few steps: match the route, make out the caller, check the query, run the handler; whatever
/// goes wrong on the way becomes a problem at one place.
public struct API: Sendable {
    private(set) var metaxy: Metaxy
    private let parts: APIParts

    /// The `X-Request-Id` of the request that the task works for; nil for none. The log says it beside what a request
    /// causes further down, where nothing is known of requests.
    @TaskLocal public static var requestID: String?

    /// An API over a service.
    ///
    /// - Parameters:
    ///   - observe: called with every event, on the task that answers; must not block.
    public init(metaxy: Metaxy, configuration: APIConfiguration, observe: @escaping @Sendable (APIEvent) -> Void) {
        self.metaxy = metaxy
        parts = APIParts(configuration, Router(Routes.table), RequestTimings(), observe: observe)
    }

    private init(_ metaxy: Metaxy, _ parts: APIParts) {
        self.metaxy = metaxy
        self.parts = parts
    }

    var configuration: APIConfiguration { parts.configuration }
    var metrics: RequestTimings { parts.metrics }

    /// The same API cut down to health and metrics, which it gives to everyone: to be served at an address of its own that
    /// only those visibleProjects who look after the server.
    public var administration: API {
        API(metaxy, APIParts(configuration, Router(Routes.administration), metrics, observe: parts.observe))
    }

    /// Answers a request.
    public func respond(_ request: Request) async -> Response {
        let exchange = begin(request.head, remote: request.remote)
        return await Self.$requestID.withValue(exchange.identity.id) { await respond(request, exchange) }
    }

    private func respond(_ request: Request, _ exchange: Exchange) async -> Response {
        let match = parts.router.match(request.head)
        do throws(Problem) {
            let response = try await answer(request, match, exchange.identity)
            return finish(response.coded(for: request.head), exchange, route: match.template)
        } catch {
            return refuse(error, exchange, route: match.template)
        }
    }

    /// Answers what needs neither a task nor the database, with as little work as possible: probes ask often, and an idle
    /// server is measured by this. No event tells of it, and its time, about a microsecond, is not taken.
    ///
    /// - Returns: nil for everything but `GET /livez`.
    public func fastPath(_ head: RequestHead) -> Response? {
        guard head.hasPath("/livez"), !head.hasQuery, head.method == .get else { return nil }
        var response = Self.aliveAtOnce
        RequestIdentity.add(to: &response, head, random: configuration.random)
        metrics.alive()
        return response
    }

    /// What `/livez` answers, complete but for the request's id.
    private static let aliveAtOnce = withCommonFields(alive)

    /// The answer to a request that the HTTP layer refuses before any route sees it.
    ///
    /// - Parameters:
    ///   - status: what the HTTP layer says.
    ///   - detail: one sentence for the client.
    public func refusal(_ status: Status, _ detail: String) -> Response {
        let problem = Problem(ProblemCode(refusing: status), detail)
        let identity = RequestIdentity(random: configuration.random)
        let response = problem.response(instance: "", requestID: identity.id)
        return Self.complete(response, identity)
    }

    private func answer(
        _ request: Request, _ match: Router.Match, _ identity: RequestIdentity
    ) async throws(Problem) -> Response {
        switch match {
        case .nothing:
            throw Problem(.notFound, "There is nothing at \(request.head.path).")
        case .otherMethods(let allowed):
            if request.head.method == .options { return Response(status: .noContent, headers: ["Allow": allowed]) }
            throw Problem(
                .methodNotAllowed, "\(request.head.path) has no \(request.head.method.name); it has \(allowed)."
            ).with("Allow", allowed)
        case .route(let route, let path):
            var caller = Caller(name: nil, scopes: [])
            if let scope = route.scope {
                caller = try await configuration.authorizer.caller(
                    request.head, for: scope, ofAllProjects: route.isGlobal)
            }
            let limits = try parts.limiter.flatMap { (limiter) throws(Problem) in
                try caller.name.map { (name) throws(Problem) in
                    try limiter.count(name, at: configuration.clock())
                }
            }
            let query = try Query(request.head.query, known: route.query)
            var content = request.decoded()
            let idempotency = route.isWrite ? try KeyedRequest(request.head) : nil
            if let idempotency { content = content.with(idempotency.tapped(content.body)) }
            let call = Call(
                request: content, path: path, query: query, caller: caller, identity: identity,
                idempotency: idempotency)
            if let earlier = try await replay(call) { return earlier }
            let response = try await route.handle(seeing(caller.visibleProjects), call)
            return (limits ?? []).reduce(response) { $0.with($1.0, $1.1) }
        }
    }

    /// The API over no more of the service than a caller sees: what a handler reaches, streams included, is that.
    private func seeing(_ visibleProjects: VisibleProjects) -> API {
        API(metaxy.seeing(visibleProjects), parts)
    }
}

/// What all values of one API share.
private final class APIParts: Sendable {
    let configuration: APIConfiguration
    let metrics: RequestTimings
    let router: Router
    let limiter: RateLimiter?
    let observe: @Sendable (APIEvent) -> Void

    init(
        _ configuration: APIConfiguration, _ router: Router, _ metrics: RequestTimings,
        observe: @escaping @Sendable (APIEvent) -> Void
    ) {
        self.configuration = configuration
        self.router = router
        self.metrics = metrics
        self.observe = observe
        limiter = configuration.rateLimit.map { RateLimiter($0) }
    }
}

extension API {
    /// A request that is being answered.
    private struct Exchange {
        let head: RequestHead
        let remote: String
        let identity: RequestIdentity
        let start: UInt64
        let counted: RequestTimings.Request
    }

    private func begin(_ head: RequestHead, remote: String) -> Exchange {
        Exchange(
            head: head, remote: remote, identity: RequestIdentity(head, random: configuration.random),
            start: configuration.clock(), counted: metrics.begin())
    }

    private func refuse(_ problem: Problem, _ exchange: Exchange, route: String?) -> Response {
        note(problem, exchange.identity)
        let response = problem.response(instance: exchange.head.path, requestID: exchange.identity.id)
        return finish(response, exchange, route: route)
    }

    /// Tells the log what a problem does not tell the client.
    func note(_ problem: Problem, _ identity: RequestIdentity) {
        if let cause = problem.cause {
            parts.observe(.failed(requestID: identity.id, traceparent: identity.traceparent, cause: cause))
        }
    }

    /// Completes an answer, which counts as given when the last of its content is written.
    private func finish(_ response: consuming Response, _ exchange: Exchange, route: String?) -> Response {
        var response = Self.complete(response, exchange.identity)
        let status = response.status.code
        guard case .stream(let write) = response.body, exchange.head.method != .head else {
            end(exchange, status: status, route: route)
            return response
        }
        response.body = .stream { writer in
            let end = await Self.$requestID.withValue(exchange.identity.id) { await write(writer) }
            self.end(exchange, status: status, route: route)
            return end
        }
        return response
    }

    private func end(_ exchange: Exchange, status: UInt16, route: String?) {
        let nanoseconds = configuration.clock() - exchange.start
        let known = Routes.methods.contains(exchange.head.method)
        metrics.answered(
            RequestTimings.Series(
                method: known ? exchange.head.method.name : "other", route: route ?? "unmatched", status: status),
            nanoseconds: nanoseconds)
        parts.observe(
            .answered(
                APIEvent.Exchange(
                    method: exchange.head.method.name, path: exchange.head.path, route: route, status: status,
                    duration: .nanoseconds(Int64(clamping: nanoseconds)), requestID: exchange.identity.id,
                    traceparent: exchange.identity.traceparent, remote: exchange.remote)))
    }

    /// Adds what every answer carries.
    private static func complete(_ response: consuming Response, _ identity: RequestIdentity) -> Response {
        withCommonFields(response).with(RequestIdentity.idField, identity.id)
    }

    private static func withCommonFields(_ response: consuming Response) -> Response {
        response.with("Cache-Control", "no-store").with("X-Content-Type-Options", "nosniff")
    }
}

extension Response {
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
