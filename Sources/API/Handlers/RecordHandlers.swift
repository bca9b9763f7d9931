// Writing records.

import Feature
import HTTP
import JSON
import Service
import Store

/// Writes records.
struct RecordHandlers: Sendable {
    private let metaxy: Metaxy

    init(_ context: HandlerContext) {
        metaxy = context.metaxy
    }

    /// `POST /v1/records/{key}`.
    func writeRecords(_ call: Call) async throws(Problem) -> Response {
        let key = try call.feature()
        let writer = call.writer(materialization: try call.materialization())
        guard try call.head.mediaType(among: [.json, .ndjson]) == .json else {
            let shape = try await shape(of: key)
            if shape.isRoot { return try await write(lines: call, to: shape, writer) }
            let rows = try await LineReader.read(call.request.body, into: RowReader(idColumns: shape.idColumns))
            return try await write(rows.elements, call, to: shape, writer)
        }
        let known = metaxy.records.knownShape(of: key)
        let shape = if let known { known } else { try await self.shape(of: key) }
        let bytes = try await call.bytes(max: RequestLimits.bulkBytesMax)
        do throws(Problem) {
            return try await write(document: bytes, call, to: shape, writer)
        } catch {
            // What this process knew may be out of date: then these say nothing about the body.
            guard known != nil, [.validationFailed, .conflict, .featureNotFound].contains(error.code) else {
                throw error
            }
            let current = try await self.shape(of: key)
            guard current != known else { throw error }
            return try await write(document: bytes, call, to: current, writer)
        }
    }

    private func shape(of key: FeatureKey) async throws(Problem) -> RowShape {
        try await served { () async throws(ServiceError) in try await metaxy.records.shape(of: key) }
    }

    private func write(
        document bytes: [UInt8], _ call: Call, to shape: RowShape, _ writer: Writer
    ) async throws(Problem) -> Response {
        guard shape.isRoot else {
            var document = try DocumentReader(RowReader(idColumns: shape.idColumns), list: "records")
                .read(bytes, others: [])
            try document.members.finish()
            guard let rows = document.elements?.elements else { throw Self.missingRecords }
            return try await write(rows, call, to: shape, writer)
        }
        let rows = RowReader(idColumns: shape.idColumns, into: PartSink(shape, list: "/records"))
        var document = try DocumentReader(rows, list: "records").read(bytes, others: [])
        try document.members.finish()
        guard var sink = document.elements?.sink else { throw Self.missingRecords }
        var part = sink.take()
        return try await once(call) { () async throws(ServiceError) in
            try await metaxy.roots.write(to: shape, writer: writer) { () async throws(ServiceError) in part.take() }
        } answer: {
            Self.answer($0, shape.key)
        }
    }

    private func write(
        _ rows: [RecordRow], _ call: Call, to shape: RowShape, _ writer: Writer
    ) async throws(Problem) -> Response {
        try await once(call) { () async throws(ServiceError) in
            try await metaxy.records.write(rows, shape: shape, writer: writer)
        } answer: {
            Self.answer($0, shape.key)
        }
    }

    private static var missingRecords: Problem { Problem(.validationFailed, .pointer("/records"), "is missing") }

    private static func answer(_ outcome: WriteOutcome, _ key: FeatureKey) -> Response {
        .json(
            JSONWriter.document { writer in
                writer.member("feature", key.description)
                writer.member("feature_version", outcome.featureVersion)
                writer.member("written", outcome.new + outcome.changed)
                writer.member("new", outcome.new)
                writer.member("changed", outcome.changed)
                writer.member("unchanged", outcome.unchanged)
            })
    }

    /// Writes lines to a root while they come in.
    private func write(lines call: Call, to shape: RowShape, _ writer: Writer) async throws(Problem) -> Response {
        var lines = LineReader(RowReader(idColumns: shape.idColumns, into: PartSink(shape)))
        var problem: Problem?
        do throws(Problem) {
            return try await once(call) { () async throws(ServiceError) in
                try await metaxy.roots.write(to: shape, writer: writer) { () async throws(ServiceError) in
                    do throws(Problem) {
                        return try await lines.nextPart(call.request.body)
                    } catch {
                        problem = error
                        throw .cancelled
                    }
                }
            } answer: {
                Self.answer($0, shape.key)
            }
        } catch {
            throw problem ?? error
        }
    }
}

extension Call {
    /// The orchestrator's run that the query names.
    func materialization() throws(Problem) -> String? {
        guard let text = query["materialization_id"] else { return nil }
        guard text.utf8.count <= RequestLimits.materializationBytesMax else {
            throw query.refusal("materialization_id", "has more than \(RequestLimits.materializationBytesMax) bytes")
        }
        return text
    }
}

extension Bulk {
    /// Ends the reading of what came beside the records.
    mutating func finishMembers() throws(Problem) { try members.finish() }
}
