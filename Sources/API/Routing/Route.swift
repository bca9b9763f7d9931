// A route: a method and a path, what they need, and who answers.

import HTTP
import Service

/// One operation of the contract.
struct Route: Sendable {
    /// Answers a call.
    typealias Handle = @Sendable (HandlerContext, Call) async throws(Problem) -> Response

    /// The method.
    let method: Method
    /// The path.
    let template: PathTemplate
    /// The operation's name in the contract.
    let operation: String
    /// What the caller must be allowed to; nil where anyone may.
    private(set) var scope: Permission?
    /// Whether it is for callers who see all projects.
    let isGlobal: Bool
    /// The names of its query parameters.
    let query: [String]
    /// Who answers.
    let handle: Handle

    /// Whether it changes something, so that a client may want it to happen once.
    var isWrite: Bool { method != .get && scope != .read && scope != nil }

    /// The same route for anyone.
    var open: Route {
        var route = self
        route.scope = nil
        return route
    }

    /// A route of these values.
    init(
        _ method: Method, _ template: String, _ operation: String, _ scope: Permission?, isGlobal: Bool = false,
        query: [String] = [], _ handle: @escaping Handle
    ) {
        self.method = method
        self.template = PathTemplate(template)
        self.operation = operation
        self.scope = scope
        self.isGlobal = isGlobal
        self.query = query
        self.handle = handle
    }
}
