// What workers report about their claims.

import Feature
import HTTP
import JSON
import Service

/// Takes what workers report about their claims.
struct ClaimReportHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/claims/{id}/heartbeat`.
    func heartbeat(_ call: Call) async throws(Problem) -> Response {
        let id = try call.claimID()
        var members = try await call.document()
        let token = members.requiredNumber("token")
        let seconds = members.count("lease_seconds", least: 1, most: TransactionLimits.leaseSecondsMax)
        try members.finish()
        let outcome = try await served { () async throws(ServiceError) in
            try await metaxy.claims.heartbeat(claim: id, token: token, leaseSeconds: seconds)
        }
        return .json(
            JSONWriter.document { writer in
                writer.member("lease_expires_at", time: outcome.leaseUntil)
                writer.array("superseded", outcome.superseded) { writer, key in
                    writer.beginObject()
                    writer.ids(outcome.plan.spec.idColumns, key)
                    writer.endObject()
                }
            })
    }

    /// `POST /v1/claims/{id}/complete`.
    func complete(_ call: Call) async throws(Problem) -> Response {
        let id = try call.claimID()
        let shape = try await served { () async throws(ServiceError) in try await metaxy.claims.shape(ofClaim: id) }
        if let expansion = shape.expansion { return try await completeUnits(call, id, expansion) }
        return try await completeRecords(call, id, shape.idColumns)
    }

    private static func answer(_ outcome: CompletionOutcome) -> Response {
        .json(
            JSONWriter.document { writer in
                writer.member("completed", outcome.completed)
                writer.member("superseded", outcome.superseded)
                writer.member("remaining", outcome.remaining)
            })
    }

    private func completeRecords(
        _ call: Call, _ id: Int64, _ columns: [String]
    ) async throws(Problem) -> Response {
        var bulk = try await call.bulk(RowReader(idColumns: columns), list: "records", others: ["token", "seconds"])
        if bulk.members.names("units") {
            bulk.members.refuse("units", "only a claim on an expansion has units; report records")
        }
        let (token, seconds) = try receipt(of: &bulk, call)
        let writer = call.writer(materialization: try call.materialization())
        guard let rows = bulk.elements else { throw Problem(.validationFailed, .pointer("/records"), "is missing") }
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.claims.complete(claim: id, token: token, rows: rows, seconds: seconds, writer: writer)
        } answer: {
            Self.answer($0)
        }
    }

    private func completeUnits(
        _ call: Call, _ id: Int64, _ shape: ExpansionShape
    ) async throws(Problem) -> Response {
        var bulk = try await call.bulk(UnitReader(shape), list: "units", others: ["token", "seconds"])
        if bulk.members.names("records") {
            bulk.members.refuse("records", "the feature is an expansion: report units, each with its records")
        }
        let (token, seconds) = try receipt(of: &bulk, call)
        let writer = call.writer(materialization: try call.materialization())
        guard let units = bulk.elements else { throw Problem(.validationFailed, .pointer("/units"), "is missing") }
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.claims.complete(claim: id, token: token, units: units, seconds: seconds, writer: writer)
        } answer: {
            Self.answer($0)
        }
    }

    /// `POST /v1/claims/{id}/fail`.
    func fail(_ call: Call) async throws(Problem) -> Response {
        let id = try call.claimID()
        let columns = try await served { () async throws(ServiceError) in try await metaxy.claims.shape(ofClaim: id) }
            .idColumns
        var members = try await call.document()
        let token = members.requiredNumber("token")
        let error = members.requiredString("error", bytesMax: RequestLimits.messageBytesMax)
        let isRetryable = members.bool("retryable") ?? true
        let records = Self.records(&members, columns)
        try members.finish()
        let report = FailureReport(records: records, error: error, isRetryable: isRetryable)
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.claims.fail(claim: id, token: token, report: report, writer: call.writer())
        } answer: { (outcome: FailureOutcome) in
            .json(
                JSONWriter.document { writer in
                    writer.member("failed", outcome.failed)
                    writer.member("will_retry", outcome.willRetry)
                    writer.member("quarantined", outcome.quarantined)
                })
        }
    }

    /// `POST /v1/claims/{id}/release`.
    func release(_ call: Call) async throws(Problem) -> Response {
        let id = try call.claimID()
        var members = try await call.document()
        let token = members.requiredNumber("token")
        try members.finish()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.claims.release(claim: id, token: token)
        } answer: { (released: Int) in
            .json(JSONWriter.document { $0.member("released", released) })
        }
    }

    /// The fencing token and how long it took to compute: members of a document, parameters beside lines.
    private func receipt<Element>(
        of bulk: inout Bulk<Element>, _ call: Call
    ) throws(Problem) -> (token: Int64, seconds: Double?) {
        if bulk.isLines {
            guard let text = call.query["token"] else { throw call.query.refusal("token", "is missing") }
            guard let token = TextValue.digits(text) else {
                throw call.query.refusal("token", "expected a whole number, found \"\(text)\"")
            }
            return (token, try WorkerMembers.seconds(call.query, "seconds"))
        }
        for name in ["token", "seconds"] where call.query[name] != nil {
            throw call.query.refusal(name, "is for NDJSON bodies; a JSON document has it as a member")
        }
        let token = bulk.members.requiredNumber("token")
        let seconds = WorkerMembers.seconds(&bulk.members, "seconds")
        try bulk.finishMembers()
        return (token, seconds)
    }

    /// The ids that failed: a list of them, or `"all"`, which is the same as nothing.
    private static func records(
        _ members: inout Members, _ columns: [String]
    ) -> [(place: Fault.Place, key: RecordKey)]? {
        guard let value = members.value("records"), value != .string("all") else { return nil }
        guard let elements = value.arrayValue else {
            members.refuse("records", "expected a list of ids or \"all\", found \(value.kind)")
            return nil
        }
        var records: [(place: Fault.Place, key: RecordKey)] = []
        for (index, element) in elements.enumerated() {
            let pointer = JSONPointer.root.appending("records").appending(index)
            switch RecordKey.read(element, columns: columns, at: pointer) {
            case .success(let key): records.append((.pointer(pointer.description), key))
            case .failure(let faulty): members.refuse(faulty.faults)
            }
        }
        return records
    }
}
