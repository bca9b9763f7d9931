// One request on its way through a handler.

import Feature
import HTTP
import Service
import Store

/// A request that matched a route and may use it.
struct Call: Sendable {
    /// The request.
    let request: Request
    /// The parts of the path that the template names.
    let path: [String: String]
    /// The query.
    let query: Query
    /// Whom it comes from.
    let caller: Caller
    /// By which names it is found again.
    let identity: RequestIdentity
    /// The key under which it takes effect once; nil where it has none, or changes nothing.
    let idempotency: KeyedRequest?

    /// Method, target and header fields.
    var head: RequestHead { request.head }

    /// A part of the path that the route's template has.
    func part(_ name: String) -> String {
        guard let part = path[name] else { preconditionFailure("the route's template has no {\(name)}") }
        return part
    }

    /// The feature that the path ends with.
    ///
    /// - Throws: `feature_not_found` where the text cannot be a key: then no feature has it.
    func feature() throws(Problem) -> FeatureKey {
        let text = part("key")
        guard let key = FeatureKey(text) else { throw Problem(.featureNotFound(text)) }
        return key
    }

    /// A feature that the query names.
    ///
    /// - Throws: `feature_not_found` where the text cannot be a key.
    func featureParameter() throws(Problem) -> FeatureKey? {
        guard let text = query["feature"] else { return nil }
        guard let key = FeatureKey(text) else { throw Problem(.featureNotFound(text)) }
        return key
    }

    /// The claim that the path names.
    ///
    /// - Throws: `claim_not_found` where the text is no number: then no claim has it.
    func claimID() throws(Problem) -> Int64 {
        let text = part("id")
        guard let id = TextValue.digits(text) else {
            throw Problem(.claimNotFound, "There is no claim \"\(text)\".")
        }
        return id
    }

    /// Refuses a caller who may not do what part of a path's uses need.
    ///
    /// - Throws: `forbidden`.
    func require(_ scope: Permission) throws(Problem) {
        guard caller.scopes.contains(scope) else { throw Problem(needing: scope) }
    }

    /// Refuses a caller who does not see a project, whether or not there is one.
    ///
    /// - Throws: `forbidden`.
    func require(project: String) throws(Problem) {
        guard caller.visibleProjects.sees(project) else {
            throw Problem(.forbidden, "The token is limited to other projects than \"\(project)\".")
        }
    }

    /// Who is behind what the request writes.
    func writer(materialization: String? = nil) -> Writer {
        Writer(materialization: materialization, token: caller.name, request: identity.id)
    }
}
