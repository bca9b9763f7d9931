// The HTTP contract over the use cases: from a request to its answer.

public import HTTP
public import Service

/// Answers requests.
///
/// Each request takes the same steps: find the route, identify the caller, check the query, run the handler. A problem
/// at any step becomes an answer in one place.
public struct API: Sendable {
    /// The `X-Request-Id` of the request that the current task answers. It is nil outside of requests. The log shows it
    /// beside messages of the layers below, which know nothing of requests.
    @TaskLocal public static var requestID: String?

    private let context: HandlerContext
    private let router: Router
    private let limiter: RateLimiter?

    /// An API over a service.
    ///
    /// - Parameter observe: called with every event, on the task that answers; must not block.
    public init(metaxy: Metaxy, configuration: APIConfiguration, observe: @escaping @Sendable (APIEvent) -> Void) {
        self.init(
            HandlerContext(
                metaxy: metaxy, configuration: configuration, timings: RequestTimings(),
                events: EventLog(observe: observe)),
            Routes.table)
    }

    private init(_ context: HandlerContext, _ table: [Route]) {
        self.context = context
        router = Router(table)
        limiter = context.configuration.rateLimit.map { RateLimiter($0) }
    }

    /// The same API with only health and metrics, which need no token: for an address that only operators reach.
    public var administration: API { API(context, Routes.administration) }

    /// Answers a request.
    public func respond(_ request: Request) async -> Response {
        let exchange = Exchange(request, context)
        return await Self.$requestID.withValue(exchange.identity.id) {
            let match = router.match(request.head)
            do throws(Problem) {
                let response = try await answer(request, match, exchange.identity)
                return exchange.finish(response.coded(for: request.head), route: match.template)
            } catch {
                return exchange.refuse(error, route: match.template)
            }
        }
    }

    /// Answers `GET /livez` without a task or the database: probes ask often, and they measure an idle server. No event
    /// reports the request, and its duration of about a microsecond counts as zero.
    ///
    /// - Returns: nil for every other request.
    public func fastPath(_ head: RequestHead) -> Response? {
        guard head.hasPath("/livez"), !head.hasQuery, head.method == .get else { return nil }
        var response = Self.aliveAtOnce
        RequestIdentity.add(to: &response, head, random: context.configuration.random)
        context.timings.alive()
        return response
    }

    /// The answer to `/livez` without the request's id.
    private static let aliveAtOnce = HealthHandlers.alive.withCommonFields()

    /// The answer to a request that the HTTP layer refuses before it reaches a route.
    ///
    /// - Parameters:
    ///   - status: the status that the HTTP layer chose.
    ///   - detail: one sentence for the client.
    public func refusal(_ status: Status, _ detail: String) -> Response {
        let identity = RequestIdentity(random: context.configuration.random)
        return Problem(ProblemCode(refusing: status), detail).response(instance: "", requestID: identity.id)
            .complete(identity)
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
            let caller = try await caller(request.head, route)
            let limits = try caller.name.flatMap { (name) throws(Problem) in
                try limiter?.count(name, at: context.configuration.clock())
            }
            let response = try await handle(request, route, path, caller, identity)
            return (limits ?? []).reduce(response) { $0.with($1.0, $1.1) }
        }
    }

    private func caller(_ head: RequestHead, _ route: Route) async throws(Problem) -> Caller {
        guard let scope = route.scope else { return Caller(name: nil, scopes: []) }
        return try await context.configuration.authorizer.caller(head, for: scope, ofAllProjects: route.isGlobal)
    }

    private func handle(
        _ request: Request, _ route: Route, _ path: [String: String], _ caller: Caller, _ identity: RequestIdentity
    ) async throws(Problem) -> Response {
        let query = try Query(request.head.query, known: route.query)
        var content = request.decoded()
        let idempotency = route.isWrite ? try KeyedRequest(request.head) : nil
        if let idempotency { content = content.with(idempotency.tapped(content.body)) }
        let call = Call(
            request: content, path: path, query: query, caller: caller, identity: identity, idempotency: idempotency)
        if let earlier = try await EarlierAnswers(context).answer(call) { return earlier }
        return try await route.handle(context.seeing(caller.visibleProjects), call)
    }
}
