// Taking and listing claims.

import Feature
import HTTP
import JSON
import Postgres
import Service
import Store

/// Creates and lists claims.
struct ClaimHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/claims`.
    func createClaim(_ call: Call) async throws(Problem) -> Response {
        var members = try await call.document()
        let request = Self.claimRequest(&members)
        try members.finish()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.claims.claim(request)
        } answer: {
            $0.map { Self.answer($0) } ?? Response(status: .noContent)
        }
    }

    private static func answer(_ batch: ClaimedBatch) -> Response {
        let claim = batch.claim
        let document = JSONWriter.document { writer in
            writer.member("claim_id", claim.id)
            writer.member("feature", batch.plan.key.description)
            writer.member("feature_version", batch.plan.featureVersion)
            writer.member("token", claim.token)
            writer.member("lease_expires_at", time: claim.leaseUntil)
            let records = IncrementEncoder(batch.records, batch.plan)
            writer.array("records", batch.records.indices) { writer, index in
                writer.beginObject()
                records.write(index, to: &writer)
                writer.member("metaxy_attempt", batch.attempts[index])
                writer.endObject()
            }
        }
        return Response.json(document, status: .created).with("Location", "/v1/claims/\(claim.id)")
    }

    /// `GET /v1/claims`.
    func listClaims(_ call: Call) async throws(Problem) -> Response {
        let feature = try call.featureParameter()
        let worker = call.query["worker"]
        let limit = try call.query.limit()
        let fingerprint = CursorFingerprint("claims", feature?.description, worker)
        let after = try call.query.numberCursor(fingerprint) ?? 0
        let found = try await served { () async throws(ServiceError) in
            try await metaxy.claims.list(feature: feature, worker: worker, after: after, limit: limit + 1)
        }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last?.claim.id : nil
        return .json(
            JSONWriter.document { writer in
                writer.array("claims", page) { writer, entry in
                    writer.beginObject()
                    writer.claim(entry.claim, entry.feature)
                    writer.endObject()
                }
                writer.member("next_cursor", next.map { Cursor.text(.number($0), fingerprint) })
            })
    }

    /// `GET /v1/claims/{id}`.
    func getClaim(_ call: Call) async throws(Problem) -> Response {
        let id = try call.claimID()
        let found = try await served { () async throws(ServiceError) in try await metaxy.claims.claim(id) }
        return .json(JSONWriter.document { $0.claim(found.claim, found.feature) })
    }

    private static func claimRequest(_ members: inout Members) -> ClaimRequest {
        var request = ClaimRequest(features: features(&members), worker: "")
        request.worker = members.requiredString("worker", bytesMax: RequestLimits.nameBytesMax)
        if let limit = members.count("limit", least: 1, most: TransactionLimits.claimUnitsMax) { request.limit = limit }
        if let seconds = members.count("lease_seconds", least: 1, most: TransactionLimits.leaseSecondsMax) {
            request.leaseSeconds = seconds
        }
        if let seconds = members.count("wait_seconds", least: 0, most: TransactionLimits.waitSecondsMax) {
            request.wait = .seconds(seconds)
        }
        if let kinds = members.choices("kinds", among: [UnitState.new, .stale]) { request.kinds = kinds }
        request.secondsMax = WorkerMembers.seconds(&members, "max_seconds")
        if request.secondsMax == 0 { members.refuse("max_seconds", "expected more than 0") }
        request.tags = WorkerMembers.tags(&members, "tags")
        request.filters = FilterMembers.read(&members, "filter")
        request.allowsUnsettledInputs = members.bool("allow_unsettled_inputs") ?? false
        return request
    }

    /// `feature`, or `features` in the order of preference.
    private static func features(_ members: inout Members) -> [FeatureKey] {
        let one = members.value("feature")
        let several = members.array("features")
        let places: [(place: String, json: JSONValue)]
        switch (one, several) {
        case (let json?, nil): places = [("feature", json)]
        case (nil, let elements?): places = elements.enumerated().map { ("features/\($0)", $1) }
        default:
            members.refuse("feature", "give either \"feature\" or \"features\"")
            return []
        }
        if places.isEmpty || places.count > RequestLimits.claimFeaturesMax {
            members.refuse(
                "features", "expected 1 to \(RequestLimits.claimFeaturesMax) features, found \(places.count)")
        }
        return places.compactMap { place, json in
            let key = json.stringValue.flatMap { FeatureKey($0) }
            if key == nil { members.refuse(place, "expected the key of a feature, such as \"video/raw\"") }
            return key
        }
    }
}

extension JSONWriter {
    /// Writes the members of a claim, without its token: that is for its worker alone.
    fileprivate mutating func claim(_ claim: StoredClaim, _ feature: FeatureKey) {
        member("claim_id", claim.id)
        member("feature", feature.description)
        member("worker", claim.worker)
        member("state", claim.state.name)
        member("claimed_at", time: claim.claimedAt)
        member("lease_expires_at", time: claim.leaseUntil)
        member("lease_seconds", claim.leaseSeconds)
        member("units", claim.units)
        // Once a claim has expired or was released, these are the units that were given back.
        member("remaining", claim.units - claim.finished.popcount)
    }
}

extension ClaimState {
    /// The state in words.
    fileprivate var name: String {
        switch self {
        case .active: "active"
        case .finished: "finished"
        case .released: "released"
        case .expired: "expired"
        }
    }
}
