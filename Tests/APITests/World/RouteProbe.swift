// A request or more to every route that a limited token may call, for tests that walk the route table.

/// A request to a route: in its target and body `$f` stands for a feature, `$p` for its project, `$c` for a claim and `$t`
/// for the fencing token of the claim.
struct RouteProbe {
    let target: String
    var body: String?
    /// The status of the answer for a feature, project or claim that the caller does not see or that does not exist.
    var status: UInt16 = 404

    /// By the operation of the route.
    static let all: [String: [RouteProbe]] = [
        "pushGraph": [
            RouteProbe(target: "/v1/push", body: #"{"project":"$p","features":[]}"#, status: 403),
            RouteProbe(
                target: "/v1/push",
                body:
                    #"{"project":"mine","features":[{"spec":{"key":"mine/raw","id_columns":["id"],"fields":[{"key":"x","code_version":"1"}]}},{"spec":{"key":"mine/x","id_columns":["id"],"deps":[{"feature":"$f"}],"fields":[{"key":"x","code_version":"1"}]}}]}"#,
                status: 422),
        ],
        "listProjects": [RouteProbe(target: "/v1/projects", status: 200)],
        "getProject": [RouteProbe(target: "/v1/projects/$p")],
        "putProject": [RouteProbe(target: "/v1/projects/$p", body: "{}", status: 403)],
        "listVersions": [RouteProbe(target: "/v1/projects/$p/versions")],
        "compareVersions": [RouteProbe(target: "/v1/projects/$p/diff?from=latest")],
        "listFeatures": [
            RouteProbe(target: "/v1/features", status: 200), RouteProbe(target: "/v1/features?project=$p"),
            RouteProbe(target: "/v1/features?prefix=$p", status: 200),
        ],
        "getFeature": [RouteProbe(target: "/v1/features/$f")],
        "getDispatch": [RouteProbe(target: "/v1/dispatch/$f")],
        "putDispatch": [RouteProbe(target: "/v1/dispatch/$f", body: "{}")],
        "getGraph": [
            RouteProbe(target: "/v1/graph", status: 200), RouteProbe(target: "/v1/graph?feature=$f"),
            RouteProbe(target: "/v1/graph?project=$p"), RouteProbe(target: "/v1/graph?format=mermaid", status: 200),
            RouteProbe(target: "/v1/graph?format=dot&feature=mine/raw", status: 200),
        ],
        "writeRecords": [
            RouteProbe(
                target: "/v1/records/$f",
                body: #"{"records":[{"id":"hidden-1","metaxy_provenance_by_field":{"hidden_field":"x"}}]}"#)
        ],
        "deleteRecords": [
            RouteProbe(target: "/v1/records/$f?all=true"),
            RouteProbe(target: "/v1/records/$f?all=true&hard=true&dry_run=true"),
        ],
        "restoreRecords": [RouteProbe(target: "/v1/restore/$f", body: #"{"filter":"id = 'hidden-1'"}"#)],
        "rebaseRecords": [RouteProbe(target: "/v1/rebase/$f", body: #"{"from":"x"}"#)],
        "listRecords": [RouteProbe(target: "/v1/records/$f"), RouteProbe(target: "/v1/records/$f?history=true")],
        "resolveIncrement": [
            RouteProbe(target: "/v1/resolve/$f", body: "{}"),
            RouteProbe(target: "/v1/resolve/mine/leaf", body: #"{"filters":{"$f":"id = 'hidden-1'"}}"#, status: 422),
        ],
        "createClaim": [RouteProbe(target: "/v1/claims", body: #"{"feature":"$f","worker":"w"}"#)],
        "listClaims": [
            RouteProbe(target: "/v1/claims", status: 200), RouteProbe(target: "/v1/claims?feature=$f"),
            RouteProbe(target: "/v1/claims?worker=someone", status: 200),
        ],
        "getClaim": [RouteProbe(target: "/v1/claims/$c")],
        "extendClaim": [RouteProbe(target: "/v1/claims/$c/heartbeat", body: #"{"token":$t}"#)],
        "completeClaim": [
            RouteProbe(target: "/v1/claims/$c/complete", body: #"{"token":$t,"records":[{"id":"hidden-2"}]}"#)
        ],
        "failClaim": [RouteProbe(target: "/v1/claims/$c/fail", body: #"{"token":$t,"error":"x"}"#)],
        "releaseClaim": [RouteProbe(target: "/v1/claims/$c/release", body: #"{"token":$t}"#)],
        "listFailures": [RouteProbe(target: "/v1/failures/$f")],
        "retryFailures": [RouteProbe(target: "/v1/failures/$f/retry", body: "{}")],
        "traceLineage": [
            RouteProbe(target: "/v1/lineage/$f", body: #"{"id":{"id":"hidden-1"}}"#),
            RouteProbe(target: "/v1/lineage/mine/raw", body: #"{"id":{"id":"m1"},"direction":"both"}"#, status: 200),
        ],
        "getLineage": [RouteProbe(target: "/v1/lineage/$f?id=%7B%22id%22%3A%22hidden-1%22%7D")],
        "explainRecord": [RouteProbe(target: "/v1/explain/$f?id=%7B%22id%22%3A%22hidden-1%22%7D")],
        "listEvents": [RouteProbe(target: "/v1/events", status: 200)],
        "getStatus": [RouteProbe(target: "/v1/status", status: 200)],
        "verifyState": [
            RouteProbe(target: "/v1/admin/verify", body: #"{"feature":"$f"}"#),
            RouteProbe(target: "/v1/admin/verify", body: "{}", status: 200),
        ],
        "dropHistory": [RouteProbe(target: "/v1/admin/retention", body: #"{"feature":"$f","keep_days":0}"#)],
    ]
}
