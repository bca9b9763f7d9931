// What handlers are made of: the service as far as the caller sees it, the configuration, timings and events.

import Service

/// The values that the route table hands to a handler.
struct HandlerContext: Sendable {
    /// The use cases. In a handler they are limited to the projects that the caller sees.
    private(set) var metaxy: Metaxy
    /// What the API needs of the process around it.
    let configuration: APIConfiguration
    /// How long requests take.
    let timings: RequestTimings
    /// Where events go.
    let events: EventLog

    /// The same values for a caller who sees only some projects. Streams that outlive the handler are limited as well.
    func seeing(_ visibleProjects: VisibleProjects) -> HandlerContext {
        var context = self
        context.metaxy = metaxy.seeing(visibleProjects)
        return context
    }
}

/// Reports events to the process.
struct EventLog: Sendable {
    /// Takes an event. It must not block.
    let observe: @Sendable (APIEvent) -> Void

    /// Reports the cause of a problem, which the client does not get.
    func report(_ problem: Problem, _ identity: RequestIdentity) {
        guard let cause = problem.cause else { return }
        observe(.failed(requestID: identity.id, traceparent: identity.traceparent, cause: cause))
    }
}
