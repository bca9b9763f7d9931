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
        Route(.post, "/v1/push", "pushGraph", .write, query: ["dry_run"]) { (context, call) throws(Problem) in
            try await PushHandlers(context).push(call)
        },
        Route(.get, "/v1/projects", "listProjects", .read, query: paging) { (context, call) throws(Problem) in
            try await ProjectHandlers(context).listProjects(call)
        },
        Route(.get, "/v1/projects/{project}", "getProject", .read) { (context, call) throws(Problem) in
            try await ProjectHandlers(context).getProject(call)
        },
        Route(.put, "/v1/projects/{project}", "putProject", .admin) { (context, call) throws(Problem) in
            try await ProjectHandlers(context).putProject(call)
        },
        Route(.get, "/v1/projects/{project}/versions", "listVersions", .read, query: paging) {
            (context, call) throws(Problem) in try await ProjectHandlers(context).listVersions(call)
        },
        Route(.get, "/v1/projects/{project}/diff", "compareVersions", .read, query: ["from", "to"]) {
            (context, call) throws(Problem) in try await ProjectHandlers(context).compareVersions(call)
        },
        Route(.get, "/v1/features", "listFeatures", .read, query: paging + ["project", "prefix"]) {
            (context, call) throws(Problem) in try await FeatureHandlers(context).listFeatures(call)
        },
        Route(.get, "/v1/features/{key}", "getFeature", .read) { (context, call) throws(Problem) in
            try await FeatureHandlers(context).getFeature(call)
        },
        Route(.get, "/v1/dispatch/{key}", "getDispatch", .read) { (context, call) throws(Problem) in
            try await DispatchHandlers(context).getDispatch(call)
        },
        Route(.put, "/v1/dispatch/{key}", "putDispatch", .admin) { (context, call) throws(Problem) in
            try await DispatchHandlers(context).putDispatch(call)
        },
        Route(.get, "/v1/graph", "getGraph", .read, query: ["project", "feature", "up", "down", "format"]) {
            (context, call) throws(Problem) in try await FeatureHandlers(context).getGraph(call)
        },
    ]

    private static let records: [Route] = [
        Route(.post, "/v1/records/{key}", "writeRecords", .write, query: ["materialization_id"]) {
            (context, call) throws(Problem) in try await RecordHandlers(context).writeRecords(call)
        },
        Route(.delete, "/v1/records/{key}", "deleteRecords", .write, query: ["filter", "all", "dry_run", "hard"]) {
            (context, call) throws(Problem) in try await DeletionHandlers(context).deleteRecords(call)
        },
        Route(.post, "/v1/restore/{key}", "restoreRecords", .write) { (context, call) throws(Problem) in
            try await DeletionHandlers(context).restoreRecords(call)
        },
        Route(.post, "/v1/rebase/{key}", "rebaseRecords", .write) { (context, call) throws(Problem) in
            try await DeletionHandlers(context).rebaseRecords(call)
        },
        Route(
            .get, "/v1/records/{key}", "listRecords", .read,
            query: paging + ["as_of", "columns", "feature_version", "filter", "history", "include_deleted"]
        ) {
            (context, call) throws(Problem) in try await RecordListHandlers(context).listRecords(call)
        },
    ]

    private static let increment: [Route] = [
        Route(.post, "/v1/resolve/{key}", "resolveIncrement", .read) { (context, call) throws(Problem) in
            try await IncrementHandlers(context).resolve(call)
        }
    ]

    private static let claims: [Route] = [
        Route(.post, "/v1/claims", "createClaim", .work) { (context, call) throws(Problem) in
            try await ClaimHandlers(context).createClaim(call)
        },
        Route(.get, "/v1/claims", "listClaims", .read, query: paging + ["feature", "worker"]) {
            (context, call) throws(Problem) in try await ClaimHandlers(context).listClaims(call)
        },
        Route(.get, "/v1/claims/{id}", "getClaim", .read) { (context, call) throws(Problem) in
            try await ClaimHandlers(context).getClaim(call)
        },
        Route(.post, "/v1/claims/{id}/heartbeat", "extendClaim", .work) { (context, call) throws(Problem) in
            try await ClaimReportHandlers(context).heartbeat(call)
        },
        Route(
            .post, "/v1/claims/{id}/complete", "completeClaim", .work,
            query: ["token", "seconds", "materialization_id"]
        ) {
            (context, call) throws(Problem) in try await ClaimReportHandlers(context).complete(call)
        },
        Route(.post, "/v1/claims/{id}/fail", "failClaim", .work) { (context, call) throws(Problem) in
            try await ClaimReportHandlers(context).fail(call)
        },
        Route(.post, "/v1/claims/{id}/release", "releaseClaim", .work) { (context, call) throws(Problem) in
            try await ClaimReportHandlers(context).release(call)
        },
        Route(.get, "/v1/failures/{key}", "listFailures", .read, query: paging) { (context, call) throws(Problem) in
            try await FailureHandlers(context).listFailures(call)
        },
        Route(.post, "/v1/failures/{key}/retry", "retryFailures", .admin) { (context, call) throws(Problem) in
            try await FailureHandlers(context).retryFailures(call)
        },
    ]

    private static let lineage: [Route] = [
        Route(.post, "/v1/lineage/{key}", "traceLineage", .read) { (context, call) throws(Problem) in
            try await LineageHandlers(context).postLineage(call)
        },
        Route(.get, "/v1/lineage/{key}", "getLineage", .read, query: ["id", "direction", "depth", "as_of"]) {
            (context, call) throws(Problem) in try await LineageHandlers(context).getLineage(call)
        },
        Route(.get, "/v1/explain/{key}", "explainRecord", .read, query: ["id"]) { (context, call) throws(Problem) in
            try await LineageHandlers(context).explain(call)
        },
    ]

    private static let operations: [Route] = [
        Route(.get, "/livez", "getLiveness", nil, query: ["verbose"]) { (context, call) throws(Problem) in
            try HealthHandlers(context).livez(call)
        },
        Route(.get, "/readyz", "getReadiness", nil, query: ["verbose"]) { (context, call) throws(Problem) in
            try await HealthHandlers(context).readyz(call)
        },
        Route(.get, "/healthz", "getHealth", nil, query: ["verbose"]) { (context, call) throws(Problem) in
            try await HealthHandlers(context).readyz(call)
        },
        Route(.get, "/metrics", "getMetrics", .read, isGlobal: true) { (context, _) throws(Problem) in
            try await HealthHandlers(context).prometheus()
        },
        Route(.get, "/v1/status", "getStatus", .read) { (context, _) throws(Problem) in
            try await OperationHandlers(context).status()
        },
        Route(.get, "/v1/events", "listEvents", .read, query: ["after", "wait_seconds", "limit"]) {
            (context, call) throws(Problem) in try await ChangeHandlers(context).listEvents(call)
        },
        Route(.get, "/openapi.yaml", "getContractAsYAML", nil) { (_, _) throws(Problem) in ContractText.yamlAnswer },
        Route(.get, "/openapi.json", "getContractAsJSON", nil) { (_, _) throws(Problem) in ContractText.jsonAnswer },
        Route(.post, "/v1/admin/verify", "verifyState", .admin) { (context, call) throws(Problem) in
            try await OperationHandlers(context).verify(call)
        },
        Route(.post, "/v1/admin/retention", "dropHistory", .admin) { (context, call) throws(Problem) in
            try await RetentionHandlers(context).dropHistory(call)
        },
    ]

    private static let access: [Route] = [
        Route(.get, "/v1/admin/audit", "listAudit", .admin, isGlobal: true, query: paging) {
            (context, call) throws(Problem) in try await ChangeHandlers(context).listAudit(call)
        },
        Route(.get, "/v1/admin/tokens", "listTokens", .admin, isGlobal: true, query: paging) {
            (context, call) throws(Problem) in try await TokenHandlers(context).listTokens(call)
        },
        Route(.post, "/v1/admin/tokens", "createToken", .admin, isGlobal: true) { (context, call) throws(Problem) in
            try await TokenHandlers(context).createToken(call)
        },
        Route(.post, "/v1/admin/tokens/{token}/rotate", "rotateToken", .admin, isGlobal: true) {
            (context, call) throws(Problem) in try await TokenHandlers(context).rotateToken(call)
        },
        Route(.delete, "/v1/admin/tokens/{token}", "revokeToken", .admin, isGlobal: true) {
            (context, call) throws(Problem) in try await TokenHandlers(context).revokeToken(call)
        },
    ]
}
