// Finds the route of a request.

import HTTP

/// The routes, indexed by what their templates begin with.
struct Router: Sendable {
    /// What a request finds.
    enum Match: Sendable {
        /// A route, and what the names of its template stand for.
        case route(Route, [String: String])
        /// The path exists, but not with this method; these are the methods of the template closest to it, as `Allow` lists
        /// them.
        case otherMethods(String)
        /// No such path.
        case nothing

        /// The template, where a route was found.
        var template: String? {
            if case .route(let route, _) = self { route.template.text } else { nil }
        }
    }

    /// By the first two segments, which are literals in every template that has them, or by the first. The template with
    /// more parts says more and stands before: "/v1/failures/{key}/retry" before "/v1/failures/{key}".
    private let index: [String: [String: [Route]]]
    private let allMethods: String

    /// A router over a table.
    init(_ table: [Route]) {
        var index: [String: [String: [Route]]] = [:]
        for route in table {
            let literals = route.template.parts.prefix(2).compactMap { part -> String? in
                if case .literal(let text) = part { text } else { nil }
            }
            index[literals.first ?? "", default: [:]][literals.dropFirst().first ?? "", default: []].append(route)
        }
        self.index = index.mapValues { $0.mapValues(Self.sorted) }
        allMethods = Self.allow(Set(table.map(\.method)))
    }

    /// The route of a request; HEAD finds what GET finds.
    func match(_ head: RequestHead) -> Match {
        if head.method == .options, head.path == "*" { return .otherMethods(allMethods) }
        let segments = head.segments
        guard let candidates = index[segments.first ?? ""]?[segments.count > 1 ? segments[1] : ""] else {
            return .nothing
        }
        let method = head.method == .head ? .get : head.method
        for route in candidates where route.method == method {
            if let path = route.template.match(segments) { return .route(route, path) }
        }
        let others = candidates.filter { $0.template.match(segments) != nil }
        guard let closest = others.first?.template.parts.count else { return .nothing }
        return .otherMethods(Self.allow(Set(others.prefix { $0.template.parts.count == closest }.map(\.method))))
    }

    private static func sorted(_ routes: [Route]) -> [Route] {
        routes.enumerated().sorted {
            ($1.element.template.parts.count, $0.offset) < ($0.element.template.parts.count, $1.offset)
        }.map(\.element)
    }

    private static func allow(_ methods: Set<Method>) -> String {
        let implied: Set<Method> = methods.contains(.get) ? [.head, .options] : [.options]
        return methods.union(implied).map(\.name).sorted().joined(separator: ", ")
    }
}
