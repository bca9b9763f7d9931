// The route table: every operation of the contract in one place.

import HTTP
import Service

/// All routes.
enum Routes {
    /// The methods that the server knows, as metrics name them.
    static let methods: Set<Method> = [.get, .head, .post, .put, .delete, .patch, .options]

    /// The parameters of lists that come in pages.
    private static let paging = ["limit", "cursor"]

    /// The table.
    static let table: [Route] = registry + records + increment + claims + lineage + operations + access

    /// What is served to those who look after the server, whoever they are.
    static let administration = operations.filter { administered.contains($0.operation) }.map(\.open)

    private static let administered: Set<String> = ["getLiveness", "getReadiness", "getHealth", "getMetrics"]

    private static let registry: [Route] = [
        Route(.post, "/v1/push", "pushGraph", .write, query: ["dry_run"]) { (api, call) throws(Problem) in
            try await api.push(call)
        },
        Route(.get, "/v1/projects", "listProjects", .read, query: paging) { (api, call) throws(Problem) in
            try await api.listProjects(call)
        },
        Route(.get, "/v1/projects/{project}", "getProject", .read) { (api, call) throws(Problem) in
            try await api.getProject(call)
        },
        Route(.put, "/v1/projects/{project}", "putProject", .admin) { (api, call) throws(Problem) in
            try await api.putProject(call)
        },
        Route(.get, "/v1/projects/{project}/versions", "listVersions", .read, query: paging) {
            (api, call) throws(Problem) in try await api.listVersions(call)
        },
        Route(.get, "/v1/projects/{project}/diff", "compareVersions", .read, query: ["from", "to"]) {
            (api, call) throws(Problem) in try await api.compareVersions(call)
        },
        Route(.get, "/v1/features", "listFeatures", .read, query: paging + ["project", "prefix"]) {
            (api, call) throws(Problem) in try await api.listFeatures(call)
        },
        Route(.get, "/v1/features/{key}", "getFeature", .read) { (api, call) throws(Problem) in
            try await api.getFeature(call)
        },
        Route(.get, "/v1/dispatch/{key}", "getDispatch", .read) { (api, call) throws(Problem) in
            try await api.getDispatch(call)
        },
        Route(.put, "/v1/dispatch/{key}", "putDispatch", .admin) { (api, call) throws(Problem) in
            try await api.putDispatch(call)
        },
        Route(.get, "/v1/graph", "getGraph", .read, query: ["project", "feature", "up", "down", "format"]) {
            (api, call) throws(Problem) in try await api.getGraph(call)
        },
    ]

    private static let records: [Route] = [
        Route(.post, "/v1/records/{key}", "writeRecords", .write, query: ["materialization_id"]) {
            (api, call) throws(Problem) in try await api.writeRecords(call)
        },
        Route(.delete, "/v1/records/{key}", "deleteRecords", .write, query: ["filter", "all", "dry_run", "hard"]) {
            (api, call) throws(Problem) in try await api.deleteRecords(call)
        },
        Route(.post, "/v1/restore/{key}", "restoreRecords", .write) { (api, call) throws(Problem) in
            try await api.restoreRecords(call)
        },
        Route(.post, "/v1/rebase/{key}", "rebaseRecords", .write) { (api, call) throws(Problem) in
            try await api.rebaseRecords(call)
        },
        Route(
            .get, "/v1/records/{key}", "listRecords", .read,
            query: paging + ["as_of", "columns", "feature_version", "filter", "history", "include_deleted"]
        ) {
            (api, call) throws(Problem) in try await api.listRecords(call)
        },
    ]

    private static let increment: [Route] = [
        Route(.post, "/v1/resolve/{key}", "resolveIncrement", .read) { (api, call) throws(Problem) in
            try await api.resolve(call)
        }
    ]

    private static let claims: [Route] = [
        Route(.post, "/v1/claims", "createClaim", .work) { (api, call) throws(Problem) in
            try await api.createClaim(call)
        },
        Route(.get, "/v1/claims", "listClaims", .read, query: paging + ["feature", "worker"]) {
            (api, call) throws(Problem) in try await api.listClaims(call)
        },
        Route(.get, "/v1/claims/{id}", "getClaim", .read) { (api, call) throws(Problem) in
            try await api.getClaim(call)
        },
        Route(.post, "/v1/claims/{id}/heartbeat", "extendClaim", .work) { (api, call) throws(Problem) in
            try await api.heartbeat(call)
        },
        Route(
            .post, "/v1/claims/{id}/complete", "completeClaim", .work,
            query: ["token", "seconds", "materialization_id"]
        ) {
            (api, call) throws(Problem) in try await api.complete(call)
        },
        Route(.post, "/v1/claims/{id}/fail", "failClaim", .work) { (api, call) throws(Problem) in
            try await api.fail(call)
        },
        Route(.post, "/v1/claims/{id}/release", "releaseClaim", .work) { (api, call) throws(Problem) in
            try await api.release(call)
        },
        Route(.get, "/v1/failures/{key}", "listFailures", .read, query: paging) { (api, call) throws(Problem) in
            try await api.listFailures(call)
        },
        Route(.post, "/v1/failures/{key}/retry", "retryFailures", .admin) { (api, call) throws(Problem) in
            try await api.retryFailures(call)
        },
    ]

    private static let lineage: [Route] = [
        Route(.post, "/v1/lineage/{key}", "traceLineage", .read) { (api, call) throws(Problem) in
            try await api.postLineage(call)
        },
        Route(.get, "/v1/lineage/{key}", "getLineage", .read, query: ["id", "direction", "depth", "as_of"]) {
            (api, call) throws(Problem) in try await api.getLineage(call)
        },
        Route(.get, "/v1/explain/{key}", "explainRecord", .read, query: ["id"]) { (api, call) throws(Problem) in
            try await api.explain(call)
        },
    ]

    private static let operations: [Route] = [
        Route(.get, "/livez", "getLiveness", nil, query: ["verbose"]) { (api, call) throws(Problem) in
            try api.livez(call)
        },
        Route(.get, "/readyz", "getReadiness", nil, query: ["verbose"]) { (api, call) throws(Problem) in
            try await api.readyz(call)
        },
        Route(.get, "/healthz", "getHealth", nil, query: ["verbose"]) { (api, call) throws(Problem) in
            try await api.readyz(call)
        },
        Route(.get, "/metrics", "getMetrics", .read, isGlobal: true) { (api, _) throws(Problem) in
            try await api.prometheus()
        },
        Route(.get, "/v1/status", "getStatus", .read) { (api, _) throws(Problem) in try await api.status() },
        Route(.get, "/v1/events", "listEvents", .read, query: ["after", "wait_seconds", "limit"]) {
            (api, call) throws(Problem) in try await api.listEvents(call)
        },
        Route(.get, "/openapi.yaml", "getContractAsYAML", nil) { (api, _) throws(Problem) in api.contractAsYAML() },
        Route(.get, "/openapi.json", "getContractAsJSON", nil) { (api, _) throws(Problem) in api.contractAsJSON() },
        Route(.post, "/v1/admin/verify", "verifyState", .admin) { (api, call) throws(Problem) in
            try await api.verify(call)
        },
        Route(.post, "/v1/admin/retention", "dropHistory", .admin) { (api, call) throws(Problem) in
            try await api.dropHistory(call)
        },
    ]

    private static let access: [Route] = [
        Route(.get, "/v1/admin/audit", "listAudit", .admin, isGlobal: true, query: paging) {
            (api, call) throws(Problem) in try await api.listAudit(call)
        },
        Route(.get, "/v1/admin/tokens", "listTokens", .admin, isGlobal: true, query: paging) {
            (api, call) throws(Problem) in try await api.listTokens(call)
        },
        Route(.post, "/v1/admin/tokens", "createToken", .admin, isGlobal: true) { (api, call) throws(Problem) in
            try await api.createToken(call)
        },
        Route(.post, "/v1/admin/tokens/{token}/rotate", "rotateToken", .admin, isGlobal: true) {
            (api, call) throws(Problem) in try await api.rotateToken(call)
        },
        Route(.delete, "/v1/admin/tokens/{token}", "revokeToken", .admin, isGlobal: true) {
            (api, call) throws(Problem) in try await api.revokeToken(call)
        },
    ]
}
